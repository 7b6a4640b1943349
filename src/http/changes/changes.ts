import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ChangeFeed, ChangeReader } from '../../changes/change-feed.ts';
import type { AccountStore } from '../../store/store.ts';
import {
  ChangeListQuerySchema,
  type ChangeListRequest,
  ChangePageSchema,
  parseChangeList,
  printChangePage,
  printSseChunk,
  printSseRetry,
  SSE_KEEP_ALIVE,
} from '../../wire/changes/change-pages.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, queryOf } from '../request/query.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import { visibleSuppliers, VisibleSuppliersCache } from './visible-suppliers.ts';

interface ChangeRoutes {
  readonly gate: Admission;
  readonly feed: ChangeFeed;
  readonly accounts: AccountStore;
}

const PATH = '/timp/products/skus/inventory/changes/';
const EVENT_STREAM = 'text/event-stream';

/** How often a stream looks whether its token still opens, and its reader still sees the same suppliers. */
const LOOK_EVERY_MS = 2000;
const KEEP_ALIVE_EVERY_MS = 15_000;
/** How long a client that lost its stream waits before it comes back. */
const RETRY_MS = 2000;

/** The change feed: pages, long polls, and a stream of server-sent events. */
export function addChanges(app: FastifyInstance, { gate, feed, accounts }: ChangeRoutes): void {
  const streamSight = new VisibleSuppliersCache(accounts);
  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    feed.close();
    done();
  });

  const readerOf = (request: FastifyRequest, asked: ChangeListRequest): ChangeReader => {
    const principal = gate.principalOf(request);
    return {
      organizationId: principal.organizationId,
      supplierIds: () =>
        isStream(request)
          ? streamSight.visibleSuppliers(principal, asked.supplierUuids)
          : visibleSuppliers(accounts, principal, asked.supplierUuids),
    };
  };

  const read = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(ChangeListQuerySchema.properties));
    const lastEventId = request.headers['last-event-id'];
    const asked = parseChangeList(
      queryOf(request),
      typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : undefined,
    );
    const reader = readerOf(request, asked);
    const begun =
      asked.after === undefined
        ? await feed.begin(reader, asked.from ?? 'now')
        : await feed.resume(reader, asked.after);
    const first = await feed.next(reader, begun, asked.limit);
    const gone = goneOf(reply.raw, closing.signal);
    if (isStream(request)) {
      reply.hijack();
      await stream(request, reply, { reader, asked, first, gone });
      return reply;
    }
    if (first.records.length > 0 || asked.waitSeconds === 0) {
      return sendJson(request, reply, printChangePage(first, first.hasMore));
    }
    await feed.wait(first.position, asked.waitSeconds * 1000, gone);
    const second = await feed.next(reader, first.position, asked.limit);
    return sendJson(request, reply, printChangePage(second, second.hasMore));
  };

  const stream = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { reader, asked, first, gone }: Streaming,
  ): Promise<void> => {
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': EVENT_STREAM,
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'request-id': request.id,
    });
    raw.write(printSseRetry(RETRY_MS));
    try {
      let chunk = first;
      let quietMs = 0;
      while (!gone.aborted) {
        if (chunk.records.length > 0) {
          quietMs = 0;
          await send(raw, printSseChunk(chunk), gone);
        } else if (quietMs >= KEEP_ALIVE_EVERY_MS) {
          quietMs = 0;
          await send(raw, SSE_KEEP_ALIVE, gone);
        }
        if (!chunk.hasMore) {
          const startedMs = performance.now();
          await feed.wait(chunk.position, LOOK_EVERY_MS, gone);
          quietMs += performance.now() - startedMs;
          await gate.stays(request);
        }
        chunk = await feed.next(reader, chunk.position, asked.limit);
      }
    } catch (error) {
      // The answer is under way: the client comes back, and is then told what is wrong.
      request.log.info({ err: error }, 'a stream of changes ended');
    } finally {
      raw.end();
    }
  };

  addResource(app, PATH, {
    GET: {
      schema: describe({
        operationId: 'readChanges',
        summary: 'The changes of inventory, from a cursor on',
        description:
          'With `Accept: text/event-stream` it answers with a stream of server-sent events that goes on as changes come.',
        query: ChangeListQuerySchema,
        ok: ChangePageSchema,
        access: 'viewer',
        problems: { 410: 'The cursor is older than the changes that are kept.' },
      }),
      guard: (request, reply) =>
        isStream(request) || queryOf(request).has('wait')
          ? gate.follow(request, reply, 'viewer')
          : gate.enter(request, reply, 'viewer'),
      handle: read,
    },
  });
}

interface Streaming {
  readonly reader: ChangeReader;
  readonly asked: ChangeListRequest;
  readonly first: Awaited<ReturnType<ChangeFeed['next']>>;
  /** Given when the client is gone or the server closes. */
  readonly gone: AbortSignal;
}

function isStream(request: FastifyRequest): boolean {
  const accepted = (request.headers.accept ?? '').toLowerCase();
  return accepted.split(',').some((range) => range.split(';')[0]?.trim() === EVENT_STREAM);
}

function goneOf(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  if (response.closed) gone.abort();
  return AbortSignal.any([gone.signal, closing]);
}

/** Sends a piece, and waits where the client reads more slowly than it is sent to. */
async function send(response: ServerResponse, text: string, gone: AbortSignal): Promise<void> {
  if (response.write(text)) return;
  try {
    await once(response, 'drain', { signal: gone });
  } catch (error) {
    if (!gone.aborted) throw error;
  }
}
