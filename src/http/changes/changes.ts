import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ChangeFeed, ChangeReader, ReadChunk } from '../../changes/change-feed.ts';
import { FairTurns } from '../../domain/fair-turns.ts';
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
import type { OpenRequest } from '../request/open-requests.ts';
import { checkParameters, queryOf } from '../request/parameters.ts';
import { sendJsonParts } from '../request/reply.ts';
import { printInSlices } from '../request/slices.ts';
import { slicesOf } from '../request/reply-budget.ts';
import { addResource } from '../request/resource.ts';
import { VisibleSuppliersCache, visibleSuppliers } from '../../changes/visible-suppliers.ts';
import { logEvent } from '../../logging/event-log.ts';

interface ChangeRoutes {
  readonly admission: Admission;
  readonly feed: ChangeFeed;
  readonly accounts: AccountStore;
}

const PATH = '/timp/products/skus/inventory/changes/';
const EVENT_STREAM = 'text/event-stream';

/** How often a stream checks that its token is still valid and which suppliers its reader can see. */
const RECHECK_EVERY_MS = 2000;
const KEEP_ALIVE_EVERY_MS = 15_000;
/** Memory reserved for each change of a page, while it is read and sent. */
const CHANGE_BYTES = 512;
/** How often a stream that needs memory for its next page asks for it. */
const MEMORY_RETRY_MS = 50;
/** How long a client waits before it reconnects. */
const RETRY_MS = 2000;

/** Adds the change feed: pages, long polling, and a stream of server-sent events. */
export function addChanges(
  app: FastifyInstance,
  { admission, feed, accounts }: ChangeRoutes,
): void {
  const suppliersCache = new VisibleSuppliersCache(accounts);
  // One page after another: the slices of many pages in every event loop turn would delay all other requests.
  const printTurns = new FairTurns(1);
  const inTurn = (request: FastifyRequest, slices: Generator<string, void>) =>
    printTurns.run(admission.principalOf(request).organizationId, () => printInSlices(slices));
  const sendPage = async (
    request: FastifyRequest,
    reply: FastifyReply,
    chunk: ReadChunk,
  ): Promise<FastifyReply> => {
    return sendJsonParts(
      request,
      reply,
      await inTurn(request, printChangePage(chunk, chunk.hasMore)),
    );
  };

  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    feed.close();
    done();
  });

  const readerOf = (request: FastifyRequest, options: ChangeListRequest): ChangeReader => {
    const principal = admission.principalOf(request);
    return {
      organizationId: principal.organizationId,
      consumer: isStream(request) ? 'stream' : 'page',
      supplierIds: () =>
        isStream(request)
          ? suppliersCache.visibleSuppliers(principal, options.supplierUuids)
          : visibleSuppliers(accounts, principal, options.supplierUuids),
    };
  };

  const read = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(ChangeListQuerySchema.properties));
    const lastEventId = request.headers['last-event-id'];
    const options = parseChangeList(
      queryOf(request),
      typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : undefined,
    );
    const reader = readerOf(request, options);
    const start =
      options.after === undefined
        ? await feed.begin(reader, options.from ?? 'now')
        : await feed.resume(reader, options.after);
    const openRequest = admission.openRequestOf(request);
    const pageBytes = options.limit * CHANGE_BYTES;
    openRequest.reserve(pageBytes, 0);
    const first = await feed.next(reader, start, options.limit);
    request.isStream = isStream(request) || options.waitSeconds > 0;
    const gone = disconnectSignal(reply.raw, closing.signal);
    // Ends whatever the request is doing: waiting, sending old changes, or waiting for its client to read.
    const disconnected = AbortSignal.any([gone, admission.revocationOf(request)]);
    if (isStream(request)) {
      reply.hijack();
      try {
        await stream(request, reply, { reader, options, first, disconnected });
      } finally {
        openRequest.answered(0);
      }
      return reply;
    }
    if (first.records.length > 0 || options.waitSeconds === 0) {
      return sendPage(request, reply, first);
    }
    // Other requests may use the memory while this one waits.
    openRequest.shrink(0);
    await feed.wait(first.position, options.waitSeconds * 1000, disconnected);
    await admission.recheckToken(request);
    openRequest.reserve(pageBytes, 0);
    const second = await feed.next(reader, first.position, options.limit);
    return sendPage(request, reply, second);
  };

  const stream = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { reader, options, first, disconnected }: EventStream,
  ): Promise<void> => {
    const { raw } = reply;
    const openRequest = admission.openRequestOf(request);
    raw.writeHead(200, {
      'content-type': EVENT_STREAM,
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'request-id': request.id,
    });
    raw.write(printSseRetry(RETRY_MS));
    try {
      let chunk = first;
      let silentMs = 0;
      while (!disconnected.aborted) {
        if (chunk.records.length > 0) {
          silentMs = 0;
          for (const part of (await inTurn(request, printSseChunk(chunk))).parts) {
            await send(raw, part, disconnected);
          }
        } else if (silentMs >= KEEP_ALIVE_EVERY_MS) {
          silentMs = 0;
          await send(raw, SSE_KEEP_ALIVE, disconnected);
        }
        openRequest.shrink(0);
        if (!chunk.hasMore) {
          const startedMs = performance.now();
          await feed.wait(chunk.position, RECHECK_EVERY_MS, disconnected);
          silentMs += performance.now() - startedMs;
          await admission.recheckToken(request);
        }
        await roomFor(openRequest, options.limit * CHANGE_BYTES, disconnected);
        chunk = await feed.next(reader, chunk.position, options.limit);
      }
    } catch (error) {
      // The response has begun, so it cannot report the error. The client reconnects and gets it then.
      logEvent(request.log, 'a change stream ended', { err: error });
    } finally {
      // A client that does not read would keep the connection open.
      if (raw.writableNeedDrain) raw.destroy();
      else raw.end();
    }
  };

  addResource(app, PATH, {
    GET: {
      schema: describe({
        group: 'Changes',
        operationId: 'readChanges',
        summary: 'Read inventory changes from a cursor onwards',
        description:
          'With `Accept: text/event-stream`, the response is a stream of server-sent events that stays open.',
        query: ChangeListQuerySchema,
        ok: ChangePageSchema,
        access: 'viewer',
        problems: { 410: 'The cursor is older than the oldest change that is still stored.' },
      }),
      guard: (request, reply) =>
        isStream(request) || queryOf(request).has('wait')
          ? admission.admitFollower(request, reply, 'viewer')
          : admission.admit(request, reply, 'viewer'),
      handle: read,
    },
  });
}

interface EventStream {
  readonly reader: ChangeReader;
  readonly options: ChangeListRequest;
  readonly first: Awaited<ReturnType<ChangeFeed['next']>>;
  /** Aborted when the client disconnects or the server shuts down. */
  readonly disconnected: AbortSignal;
}

function isStream(request: FastifyRequest): boolean {
  const accepted = (request.headers.accept ?? '').toLowerCase();
  return accepted.split(',').some((range) => range.split(';')[0]?.trim() === EVENT_STREAM);
}

function disconnectSignal(response: ServerResponse, closing: AbortSignal): AbortSignal {
  const disconnect = new AbortController();
  response.once('close', () => disconnect.abort());
  if (response.closed) disconnect.abort();
  return AbortSignal.any([disconnect.signal, closing]);
}

/** Resolves when `bytes` are reserved for a stream, or its client is gone. */
async function roomFor(
  openRequest: OpenRequest,
  bytes: number,
  disconnected: AbortSignal,
): Promise<void> {
  while (!disconnected.aborted && !openRequest.tryGrow(bytes)) await delay(MEMORY_RETRY_MS);
}

/** Sends text as fast as the client reads it, in slices. */
async function send(
  response: ServerResponse,
  text: string | Uint8Array,
  disconnected: AbortSignal,
): Promise<void> {
  try {
    for (const slice of slicesOf(Buffer.from(text))) {
      if (disconnected.aborted) return;
      if (!response.write(slice)) await once(response, 'drain', { signal: disconnected });
    }
  } catch (error) {
    if (!disconnected.aborted) throw error;
  }
}
