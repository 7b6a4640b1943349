import { randomUUID } from 'node:crypto';
import { METHODS } from 'node:http';
import fastify, { LogController, type FastifyInstance } from 'fastify';
import type { DeliverOptions } from '../webhooks/attempt.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { FileService } from '../files/service.ts';
import type { Intake } from '../intake/intake.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Store } from '../store/store.ts';
import { addBatches } from './inventory/batches.ts';
import { addChanges } from './changes/changes.ts';
import { addDocumentation } from './documentation.ts';
import { addFileActions } from './files/file-actions.ts';
import { addFiles, type FileSettings } from './files/files.ts';
import { addFreshness } from './changes/freshness.ts';
import { Admission, type AdmissionLimits } from './request/admission.ts';
import { addHealth } from './health.ts';
import { addInventory } from './inventory/inventory.ts';
import { addLogin, type LoginLimits } from './accounts/login.ts';
import { OpenUploads } from './files/open-uploads.ts';
import { answerError, clientErrorResponse } from './problems.ts';
import { addSkus } from './inventory/skus.ts';
import { Streams, type StreamSettings } from './streams/streams.ts';
import { addWebhooks } from './changes/webhooks.ts';
import { Writer, type WriteSettings } from './inventory/write-request.ts';

/** What the server is told about how to run; each is a setting of `config.ts`. */
export interface HttpSettings
  extends AdmissionLimits, LoginLimits, WriteSettings, FileSettings, StreamSettings {
  readonly requestTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Which proxies' `X-Forwarded-*` headers to believe. */
  readonly trustProxy: boolean | string;
  readonly logLevel: string;
}

interface ServerParts {
  readonly store: Store;
  readonly intake: Intake;
  readonly feed: ChangeFeed;
  /** The files of suppliers. */
  readonly files: FileService;
  /** How webhooks are tried out. */
  readonly webhookOptions: DeliverOptions;
  readonly settings: HttpSettings;
  readonly version: string;
}

/** Node's name for a request that was not sent whole in time. */
const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';
/** How often it is looked for such requests, at least. */
const TIMEOUT_CHECK_MS_MAX = 30_000;

/** The server, ready to listen. Closing it waits for the requests that it has taken on. */
export async function buildServer({
  store,
  intake,
  feed,
  files,
  webhookOptions,
  settings,
  version,
}: ServerParts): Promise<FastifyInstance> {
  const uploads = new OpenUploads(settings.requestTimeoutMs);
  const gate = new Admission(store.accounts, settings);
  const writer = new Writer({ gate, intake, batches: store.batches, settings });
  const streams = new Streams({ gate, writer, settings });
  const app = fastify({
    logger: { level: settings.logLevel, redact: ['req.headers'] },
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'request_id',
    }),
    genReqId: () => randomUUID(),
    trustProxy: settings.trustProxy,
    routerOptions: { ignoreTrailingSlash: true },
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    // Node's own refusal of a request without a Host has no body.
    http: {
      headersTimeout: settings.headersTimeoutMs,
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(settings.requestTimeoutMs, TIMEOUT_CHECK_MS_MAX),
    },
    forceCloseConnections: 'idle',
    // A request that comes on an open connection while the server stops is still answered.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      reply.header('request-id', request.id);
      answerError(error, request, reply);
    },
    clientErrorHandler: (error, socket) => {
      // What takes as long as it takes knows itself how long it may stand still.
      const isLong = streams.holds(socket) || uploads.holds(socket);
      if (error.code === REQUEST_TIMEOUT && isLong) return;
      if (socket.writable) socket.end(clientErrorResponse(error, randomUUID()));
      else socket.destroy();
    },
  });
  // Every verb that Node reads is known, so that a wrong one is told apart from a wrong path.
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }
  // Schemas here describe; values are read by the parsers that know the rules.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  // A body is read by whoever handles the request, once it is known who asks.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw pathNotFound(request.url);
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('request-id', request.id);
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
      throw new OnhandError('request_malformed', 'A request of HTTP/1.1 needs a Host header.');
    }
    // Before Fastify looks at the Content-Type.
    if (request.is404) throw pathNotFound(request.url);
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    request.open?.answered(sizeOf(payload));
    done();
  });
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: pathOf(request.url),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        address: request.ip,
      },
      'answered',
    );
  });

  await addDocumentation(app, version);
  app.decorateRequest('principal', null);
  app.decorateRequest('open', null);
  addHealth(app, store);
  app.addHook('preClose', (done) => {
    streams.stop();
    done();
  });
  addInventory(app, { gate, intake, writer, streams, limits: settings });
  addBatches(app, { gate, batches: store.batches, limits: settings });
  addFiles(app, { gate, service: files, uploads, settings });
  addFileActions(app, { gate, service: files, limits: settings });
  addChanges(app, { gate, feed, accounts: store.accounts });
  addSkus(app, { gate, store, feed, limits: settings });
  addFreshness(app, { gate, store });
  const { changes, webhooks, accounts } = store;
  const limits = settings;
  addWebhooks(app, { gate, webhooks, changes, accounts, options: webhookOptions, limits });
  addLogin(app, { accounts: store.accounts, limits: settings });
  await app.ready();
  return app;
}

function pathNotFound(url: string): OnhandError {
  return new OnhandError('path_not_found', `There is no path ${pathOf(url)}; see /docs.`);
}

function sizeOf(payload: unknown): number {
  return typeof payload === 'string' || payload instanceof Uint8Array ? payload.length : 0;
}

/** The path alone: a query may hold what does not belong into a log. */
function pathOf(url: string): string {
  const question = url.indexOf('?');
  return question < 0 ? url : url.slice(0, question);
}
