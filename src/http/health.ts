import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../domain/errors.ts';
import type { Store, StoreHealth } from '../store/store.ts';
import { describe } from './documentation.ts';
import { addResource } from './request/resource.ts';

const StatusSchema = Type.Object(
  { status: Type.Literal('ok') },
  { title: 'Status', additionalProperties: false },
);

const VersionSchema = Type.Object(
  { version: Type.String({ description: 'The version of onhand, such as 1.4.0.' }) },
  { title: 'Version', additionalProperties: false },
);

const UsageSchema = Type.Object(
  {
    used: Type.Integer({ description: 'How much is used now.' }),
    limit: Type.Integer({ description: 'How much all organizations together may use.' }),
  },
  { additionalProperties: false },
);

const ReadinessSchema = Type.Object(
  {
    status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')], {
      description:
        'degraded: workers of a distributed database cannot be reached. Their suppliers get 503; all others are served.',
    }),
    workers: Type.Optional(
      Type.Object(
        {
          up: Type.Integer({ description: 'How many workers of the database can be reached.' }),
          down: Type.Integer({ description: 'How many cannot.' }),
        },
        { additionalProperties: false, description: 'Only of a distributed database.' },
      ),
    ),
    usage: Type.Record(Type.String(), UsageSchema, {
      description:
        'What is used of each limit: connections, open_requests, open_bytes, followers, uploads, result_spool_bytes.',
    }),
  },
  { title: 'Readiness', additionalProperties: false },
);

/** What the server can still accept. */
interface ServerLoad {
  usage(): Readonly<Record<string, { readonly used: number; readonly limit: number }>>;
  /** Throws `overloaded` if any new request would be refused. */
  refuseFull(): void;
}

/** How long a result is reused, so that health checks do not load the store. */
const PROBE_EVERY_MS = 1000;

/** How long a probe may take; a commit that waits for a standby may never end. */
const PROBE_WITHIN_MS = 5000;

/** Whether the store can read and write; health checks and the status share one probe. */
export function probeOf(store: Pick<Store, 'probe'>): () => Promise<StoreHealth> {
  return cachedProbe(() => store.probe(), PROBE_EVERY_MS, PROBE_WITHIN_MS);
}

interface HealthParts {
  readonly probe: () => Promise<StoreHealth>;
  readonly load: ServerLoad;
  readonly version: string;
}

/**
 * Adds what anyone may ask without a token: `/healthz` (the process is up), `/readyz` (the store answers and can write,
 * and the server has room), and `/version`, which the OpenAPI document names too.
 */
export function addHealth(app: FastifyInstance, { probe, load, version }: HealthParts): void {
  addResource(app, '/version', {
    GET: {
      schema: describe({
        group: 'Health',
        operationId: 'getVersion',
        summary: 'Show the version of this server',
        ok: VersionSchema,
      }),
      handle: async (_request: FastifyRequest, reply: FastifyReply) =>
        sendStatus(reply, { version }),
    },
  });
  addResource(app, '/healthz', {
    GET: {
      schema: describe({
        group: 'Health',
        operationId: 'isUp',
        summary: 'Check that the process is up',
        ok: StatusSchema,
      }),
      handle: async (_request: FastifyRequest, reply: FastifyReply) =>
        sendStatus(reply, { status: 'ok' }),
    },
  });
  addResource(app, '/readyz', {
    GET: {
      schema: describe({
        group: 'Health',
        operationId: 'isReady',
        summary: 'Check that the store answers and can write, and show how busy the server is',
        ok: ReadinessSchema,
        problems: {
          503: 'The store cannot answer or write, or the server has no room for any request.',
        },
      }),
      handle: async (_request: FastifyRequest, reply: FastifyReply) => {
        load.refuseFull();
        const { workers } = await probe();
        const down = workers?.filter(({ isUp }) => !isUp).length ?? 0;
        const usage = Object.entries(load.usage()).map(([budget, { used, limit }]) => [
          budget,
          { used, limit },
        ]);
        return sendStatus(reply, {
          status: down === 0 ? 'ok' : 'degraded',
          ...(workers !== undefined && { workers: { up: workers.length - down, down } }),
          usage: Object.fromEntries(usage),
        });
      },
    },
  });
}

function sendStatus(reply: FastifyReply, status: Readonly<Record<string, unknown>>): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(JSON.stringify(status));
}

/**
 * Limits a probe to one at a time and reuses its result for `everyMs`. A probe that takes longer than
 * `withinMs` counts as failed until it ends.
 */
export function cachedProbe<T>(
  probe: () => Promise<T>,
  everyMs: number,
  withinMs: number,
): () => Promise<T> {
  let last: { startedAtMs: number; isRunning: boolean; result: Promise<T> } | undefined;
  const start = (startedAtMs: number) => {
    const running = probe().finally(() => {
      started.isRunning = false;
    });
    const started = { startedAtMs, isRunning: true, result: withTimeout(running, withinMs) };
    return started;
  };
  return () => {
    const nowMs = performance.now();
    if (last === undefined || (!last.isRunning && nowMs - last.startedAtMs > everyMs)) {
      last = start(nowMs);
    }
    return last.result;
  };
}

async function withTimeout<T>(work: Promise<T>, withinMs: number): Promise<T> {
  const done = new AbortController();
  const timeout = delay(withinMs, undefined, { signal: done.signal }).then(() => {
    throw new OnhandError('store_unavailable', 'The database does not answer in time.', {
      retryAfterSeconds: 1,
    });
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    done.abort();
    timeout.catch(() => undefined);
  }
}
