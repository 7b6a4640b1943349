import { randomUUID } from 'node:crypto';
import { METHODS } from 'node:http';
import fastifyCookie from '@fastify/cookie';
import fastify, { LogController, type FastifyInstance, type FastifyReply } from 'fastify';
import type { DeliverOptions } from '../webhooks/attempt.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { FileService } from '../files/service.ts';
import type { DemoLogin } from '../domain/parties.ts';
import { FirstSetup } from '../accounts/first-setup.ts';
import type { Intake } from '../intake/intake.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Store } from '../store/store.ts';
import { addBatches } from './inventory/batches.ts';
import { addChanges } from './changes/changes.ts';
import { Dashboard, DASHBOARD_FOLDER } from './dashboard.ts';
import { addDocumentation, addFrontPage } from './documentation.ts';
import { addDownloads } from './download.ts';
import { addFileActions } from './files/file-actions.ts';
import { addFileEffects } from './files/file-effects.ts';
import { addFileSettings } from './files/file-settings.ts';
import { addFiles, type FileSettings } from './files/files.ts';
import { addSuppliers } from './changes/suppliers.ts';
import { Admission, type AdmissionLimits } from './request/admission.ts';
import { addHealth, probeOf } from './health.ts';
import type { GaugeSources } from '../metrics/gauges.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import { addMetrics } from './metrics.ts';
import { addInventory } from './inventory/inventory.ts';
import { addAccess } from './accounts/access.ts';
import { addLogin } from './accounts/login.ts';
import { type LoginLimits, PasswordAttempts } from './accounts/password-attempts.ts';
import { SessionCookie, type SessionCookieSettings } from './accounts/session-cookie.ts';
import { addOrganizations } from './accounts/organizations.ts';
import { addSetup } from './accounts/setup.ts';
import { addSessions } from './accounts/sessions.ts';
import { TokenUses } from './accounts/token-uses.ts';
import { OpenUploads } from './files/file-upload.ts';
import { OpenRequests } from './request/open-requests.ts';
import { addRequestLog, pathOf } from './request/request-log.ts';
import { addRequestTrace } from './request/request-trace.ts';
import { addReplyBudget } from './request/reply-budget.ts';
import {
  handleError,
  clientErrorResponse,
  SLOW_REQUEST,
  TINY_CHUNKS,
  TOO_MANY_CONNECTIONS,
} from './problems.ts';
import { ClientConnections, type ConnectionLimits } from './request/client-connections.ts';
import { CountedRequest } from './request/counted-request.ts';
import { refuseDuplicateHeaders } from './request/duplicate-headers.ts';
import { addPositions } from './request/positions.ts';
import { RequestTurns, type RequestTurnLimits } from './request/request-turns.ts';
import { SlowPeers, type SlowPeerLimits } from './request/slow-peers.ts';
import { boundUnreadBody, type UnreadBodyLimits } from './request/unread-bodies.ts';
import { addAudit } from './audit.ts';
import { addStatus } from './status.ts';
import { addStatistics } from './inventory/statistics.ts';
import { addSkuExport } from './inventory/sku-export.ts';
import { addSkus, type SkuListLimits } from './inventory/skus.ts';
import { Streams, type StreamSettings } from './streams/streams.ts';
import { addRecipients, type RecipientLimits } from './accounts/recipients.ts';
import { mailSettingsOf, type NotifySettings } from '../notifications/channels.ts';
import { addWebhooks } from './changes/webhooks.ts';
import type { WebhookLimits } from './changes/webhook-throttle.ts';
import type { AttemptLimits } from '../webhooks/messages.ts';
import type { ServerBodyLimits } from './request/body.ts';
import { BatchSubmitter, type WriteSettings } from './inventory/batch-submitter.ts';
import { BulkParser } from './inventory/bulk-parser.ts';
import type { BodyTasks } from './inventory/bulk-task.ts';
import type { WorkerPool } from '../workers/pool.ts';
import { logEvent } from '../logging/event-log.ts';

/** Each is a setting of `config.ts`. */
export interface HttpSettings
  extends
    AdmissionLimits,
    ConnectionLimits,
    SlowPeerLimits,
    RequestTurnLimits,
    UnreadBodyLimits,
    LoginLimits,
    ServerBodyLimits,
    WriteSettings,
    FileSettings,
    StreamSettings,
    WebhookLimits,
    AttemptLimits,
    SkuListLimits,
    RecipientLimits,
    NotifySettings,
    SessionCookieSettings {
  /** How long a session of a browser is valid without a request. */
  readonly sessionIdleMinutes: number;
  /** How long it is valid in all. */
  readonly sessionHoursMax: number;
  readonly requestTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Which proxies' `X-Forwarded-*` headers to trust. */
  readonly trustProxy: boolean | string;
  readonly logLevel: string;
  /** `sqlite:PATH` or `postgres://…`. */
  readonly database: string;
  /** Where the dashboard is served, with a slash at both ends; null means nowhere. */
  readonly dashboardPath: string | null;
}

interface ServerParts {
  readonly store: Store;
  readonly intake: Intake;
  readonly feed: ChangeFeed;
  readonly files: FileService;
  /** They parse large bodies. */
  readonly bodyWorkers: WorkerPool<BodyTasks>;
  /** How test messages of webhooks are sent. */
  readonly webhookOptions: DeliverOptions;
  readonly settings: HttpSettings;
  readonly version: string;
  /** Called after a batch of which results are stored, with about how many bytes. */
  readonly onResultsStored?: (supplierId: number, bytes: number) => void;
  /** The creation of the first user, if it was begun. */
  readonly setup?: FirstSetup;
  /** The users of a demo. */
  readonly demoLogins?: readonly DemoLogin[] | undefined;
  /** Where to write log entries, instead of stdout. */
  readonly log?: { write(entry: string): void };
  readonly metrics?: ServerMetrics | undefined;
  /** Called once, with what the metrics read at each scrape. */
  readonly onState?: (state: HttpState) => void;
}

/** What the metrics show of the state of the HTTP server. */
export type HttpState = Pick<GaugeSources, 'budgets' | 'probe' | 'build'>;

/** Node's error code for a request that did not arrive completely in time. */
const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';
/** The longest interval between checks for such requests. */
const TIMEOUT_CHECK_MS_MAX = 30_000;

/** Builds the HTTP server, ready to listen. Closing it waits for the requests that are in progress. */
export async function buildServer({
  store,
  intake,
  feed,
  files,
  bodyWorkers,
  webhookOptions,
  settings,
  version,
  log,
  setup,
  demoLogins,
  onResultsStored = () => undefined,
  metrics,
  onState,
}: ServerParts): Promise<FastifyInstance> {
  const dashboard = Dashboard.in(DASHBOARD_FOLDER, settings.dashboardPath);
  const uploads = new OpenUploads(settings.requestTimeoutMs);
  const openRequests = new OpenRequests(settings);
  const cookie = new SessionCookie(settings);
  const lifetimes = {
    idleMs: settings.sessionIdleMinutes * 60_000,
    absoluteMs: settings.sessionHoursMax * 3_600_000,
  };
  const uses = new TokenUses({
    accounts: store.accounts,
    lifetimes,
    onFailure: (error) => logEvent(app.log, 'the use of tokens was not recorded', { err: error }),
  });
  const admission = new Admission({ store, limits: settings, openRequests, cookie, uses });
  const submitter = new BatchSubmitter({
    admission,
    intake,
    audit: store.audit,
    batches: store.batches,
    settings,
    onResultsStored,
  });
  const streams = new Streams({ admission, submitter, settings });
  const app = fastify({
    logger: {
      level: settings.logLevel,
      redact: ['req.headers'],
      ...(log !== undefined && { stream: log }),
    },
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'request_id',
    }),
    genReqId: () => randomUUID(),
    trustProxy: settings.trustProxy,
    routerOptions: { ignoreTrailingSlash: true },
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    // Node rejects a request without Host with an empty body; the hook below does it with a problem.
    http: {
      IncomingMessage: CountedRequest,
      // Node.js refuses to wait longer for the headers than for the whole request.
      headersTimeout: Math.min(settings.headersTimeoutMs, settings.requestTimeoutMs),
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(settings.requestTimeoutMs, TIMEOUT_CHECK_MS_MAX),
    },
    forceCloseConnections: 'idle',
    // A request that arrives on an open connection during shutdown is still handled.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      reply.header('request-id', request.id);
      handleError(error, request, reply);
    },
    clientErrorHandler: (error, socket) => {
      // Streams and uploads have idle timeouts of their own.
      const isLong = streams.has(socket) || uploads.has(socket);
      if (error.code === REQUEST_TIMEOUT && isLong) return;
      if (!socket.writable) return void socket.destroy();
      const requestId = randomUUID();
      logEvent(app.log, 'refused a malformed request', {
        request_id: requestId,
        address: socket.remoteAddress,
        code: error.code,
      });
      socket.end(clientErrorResponse(error, requestId));
    },
  });
  const connections = new ClientConnections({
    limits: settings,
    isProxied: settings.trustProxy !== false,
    refusal: () => clientErrorResponse({ code: TOO_MANY_CONNECTIONS }, randomUUID()),
  });
  connections.attach(app.server);
  const requestTurns = new RequestTurns({
    limits: settings,
    tinyChunksResponse: () => clientErrorResponse({ code: TINY_CHUNKS }, randomUUID()),
    onCut: ({ remoteAddress: address }, reason) =>
      logEvent(app.log, 'disconnected a client', { address, reason }),
  });
  requestTurns.attach(app.server);
  const slowPeers = new SlowPeers({
    limits: settings,
    mayPause: (socket) => streams.has(socket),
    slowResponse: () => clientErrorResponse({ code: SLOW_REQUEST }, randomUUID()),
    onCut: ({ socket: { remoteAddress: address } }, what) =>
      logEvent(app.log, 'disconnected a client', { address, reason: `${what} too slowly` }),
  });
  // Every method that Node parses is registered, so that a wrong one gets 405, not 404.
  for (const method of METHODS) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  }
  // Schemas only describe; the parsers in wire/ validate (docs/decisions/0014-own-validation.md).
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  // Handlers read the body themselves, after authentication.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((request) => {
    throw pathNotFound(request.url);
  });
  addRequestTrace(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('request-id', request.id);
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
      throw new OnhandError('request_malformed', 'An HTTP/1.1 request needs a Host header.');
    }
    refuseDuplicateHeaders(request.raw.rawHeaders);
    connections.countRequest(request.ip, reply.raw);
    slowPeers.watch(request.raw, reply.raw);
    boundUnreadBody(request.raw, reply.raw, settings);
    // Before Fastify checks the Content-Type.
    if (!request.is404) return;
    if (dashboard?.isPage(request) !== true) throw pathNotFound(request.url);
    dashboard.sendPage(reply);
    return reply;
  });
  // JSON ends with a newline. What is sent as bytes has it already (request/reply.ts).
  app.addHook('onSend', async (_request, reply, payload) =>
    typeof payload === 'string' && isJson(reply) ? `${payload}\n` : payload,
  );
  app.addHook('preHandler', async (request, reply) => {
    if (request.openRequest !== null) connections.keep(request.raw, reply.raw);
  });
  await app.register(fastifyCookie);
  addReplyBudget(app);
  addRequestLog(app, metrics?.record);

  await addDocumentation(app, version);
  if (dashboard?.path !== '/') addFrontPage(app);
  await dashboard?.addTo(app);
  addDownloads(app);
  app.decorateRequest('principal', null);
  app.decorateRequest('actsFor', null);
  app.decorateRequest('openRequest', null);
  const probe = probeOf(store);
  const usage = () => ({
    connections: connections.usage(),
    ...openRequests.usage(),
    result_spool_bytes: files.downloads.usage(),
  });
  const workers = () => ({ ...files.workersUsage(), body_workers: bodyWorkers.usage() });
  const load = { usage, refuseFull: () => openRequests.refuseFull() };
  addPositions(app, store.reads);
  addHealth(app, { probe, load, version });
  const database = settings.database.startsWith('sqlite:') ? 'sqlite' : 'postgres';
  const budgets = () => ({ ...usage(), ...workers() });
  onState?.({ budgets, probe, build: { version, database } });
  if (metrics !== undefined) addMetrics(app, metrics);
  app.addHook('preClose', (done) => {
    streams.stop();
    connections.endUnused();
    done();
  });
  const parser = new BulkParser(bodyWorkers);
  addInventory(app, { admission, intake, submitter, streams, parser, limits: settings });
  addBatches(app, {
    admission,
    intake,
    audit: store.audit,
    batches: store.batches,
    limits: settings,
  });
  const fileRoutes = {
    admission,
    audit: store.audit,
    service: files,
    uploads,
    settings,
    limits: settings,
  };
  addFiles(app, fileRoutes);
  addFileActions(app, { ...fileRoutes, intake });
  addFileEffects(app, fileRoutes);
  addFileSettings(app, fileRoutes);
  addChanges(app, { admission, feed, accounts: store.accounts });
  addSkus(app, { admission, store, feed, limits: settings });
  addSkuExport(app, { admission, store, downloads: files.downloads, limits: settings });
  addSuppliers(app, { admission, store });
  addStatistics(app, { admission, store });
  const { changes, webhooks, accounts } = store;
  const limits = settings;
  addWebhooks(app, {
    admission,
    audit: store.audit,
    webhooks,
    changes,
    accounts,
    feed,
    options: webhookOptions,
    limits,
  });
  addRecipients(app, {
    admission,
    notifications: store.notifications,
    mail: mailSettingsOf(settings),
    webhookOptions,
    limits,
  });
  const attempts = new PasswordAttempts(settings);
  app.addHook('onClose', async () => {
    await uses.record();
    await attempts.close();
  });
  addLogin(app, { accounts, attempts });
  addOrganizations(app, { admission, store, limits });
  addAudit(app, { admission, audit: store.audit });
  addStatus(app, { admission, store, intake, files, probe, version, database });
  addAccess(app, { admission, accounts, attempts });
  const sessions = { admission, accounts, attempts, cookie, lifetimes };
  addSessions(app, sessions);
  addSetup(app, { ...sessions, setup: setup ?? new FirstSetup(accounts), demoLogins });
  await app.ready();
  return app;
}

function isJson(reply: FastifyReply): boolean {
  return /^application\/(?:problem\+)?json/.test(String(reply.getHeader('content-type')));
}

function pathNotFound(url: string): OnhandError {
  return new OnhandError('path_not_found', `There is no path ${pathOf(url)}; see /docs.`);
}
