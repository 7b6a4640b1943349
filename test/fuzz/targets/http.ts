import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashToken, newToken } from '../../../src/accounts/credentials.ts';
import { PERMISSIONS_OF_TYPE } from '../../../src/domain/parties.ts';
import { startServer, type RunningServer } from '../../../src/server.ts';
import {
  createSupplier,
  entry,
  importSkus,
  sqliteDatabase,
  testSettings,
} from '../../store/fixtures.ts';
import { checkMessage, Disagreement, expectThat, type Target } from '../target.ts';
import { LINE_TOKENS } from './json.ts';

interface Running {
  readonly server: RunningServer;
  readonly token: string;
  readonly remove: () => Promise<void>;
}

let running: Promise<Running> | undefined;

/** A server in this process, so that its coverage counts. */
async function start(): Promise<Running> {
  const database = await sqliteDatabase();
  const filesDirectory = await mkdtemp(join(tmpdir(), 'onhand-fuzz-files-'));
  const server = await startServer(testSettings(database, { filesDirectory }));
  const { store } = server;
  const supplierId = await createSupplier(store, 'Fuzzed');
  await importSkus(
    store,
    supplierId,
    ['A-1', 'A-2', 'A-3'].map((name) => entry(name)),
  );
  const { id: userId } = await store.accounts.findServiceUser(supplierId);
  const token = newToken();
  const permissions = PERMISSIONS_OF_TYPE.supplier;
  const tokenHash = hashToken(token);
  await store.accounts.createToken({ userId, tokenHash, permissions, expiresAtMs: null });
  const remove = async (): Promise<void> => {
    await server.close();
    await database.remove();
    await rm(filesDirectory, { recursive: true, force: true });
  };
  return { server, token, remove };
}

const FORM = (fields: string): string =>
  `POST /timp/organizations/files/upload/ HTTP/1.1\nAuthorization: Token TOKEN\nContent-Type: multipart/form-data; boundary=b\n\n${fields}`;

const PATHS = [
  'products/skus/',
  'products/skus/inventory/',
  'products/skus/inventory/bulk/',
  'products/skus/inventory/batches/',
  'products/skus/inventory/stream/',
  'products/skus/changes/',
  'products/skus/export/',
  'products/skus/statistics/',
  'organizations/files/',
  'organizations/files/upload/',
  'organizations/files/settings/',
  'organizations/user-login/',
  'organizations/suppliers/',
  'notifications/webhooks/',
].map((path) => `/timp/${path}`);

/**
 * Whole requests over a socket. An input is the text of a request with `\n` behind each row of its head; `TOKEN` stands
 * for a valid one, and its length is added unless it is given.
 */
export const http: Target = {
  name: 'http',
  tokens: [
    ...LINE_TOKENS,
    ...PATHS,
    'GET ',
    'POST ',
    'PATCH ',
    'DELETE ',
    'HEAD ',
    'OPTIONS ',
    'TOKEN',
    '\nIdempotency-Key: k1',
    '\nIdempotency-Key: "k 2"',
    '\nPrefer: return=representation, wait=5',
    '\nAs-Of: 2026-11-23T16:21:19Z',
    '\nBatch-Reason: r',
    '\nConfirmation-Code: 0123456789abcdef',
    '\nContent-Encoding: gzip',
    '\nContent-Type: application/x-ndjson',
    '\nContent-Type: text/csv',
    '\nContent-Length: 3',
    '\nTransfer-Encoding: chunked',
    '\nExpect: 100-continue',
    '\nAccept-Encoding: gzip',
    '\nOrigin: https://x.example',
    '\nCookie: sessionid=x',
    '\nStream-Start: 1',
    '\nLast-Event-ID: x',
    '\nRange: bytes=0-1',
    '\nIf-None-Match: *',
    '\n\n',
    '--b\n',
    '\n--b--\n',
    'Content-Disposition: form-data; name="file"; filename="a.csv"',
    'Content-Disposition: form-data; name="mapping"',
    '?dry_run=true',
    '?mode=snapshot',
    '&atomic=true',
    '?errors_only=true',
    '?cursor=',
    '?limit=2',
    '?wait=0',
    '%2f',
    '%00',
    '//',
    '..',
    '\0',
  ],
  seeds: [
    'POST /timp/products/skus/inventory/bulk/?errors_only=true HTTP/1.1\nAuthorization: Token TOKEN\nContent-Type: application/json\nIdempotency-Key: k\n\n[{"sku_id":"A-1","quantity_in_stock":5}]',
    'POST /timp/products/skus/inventory/ HTTP/1.1\nAuthorization: Bearer TOKEN\nPrefer: return=representation\n\n{"sku_id":"A-2","quantity_in_stock_change":1}',
    'POST /timp/products/skus/inventory/stream/ HTTP/1.1\nAuthorization: Token TOKEN\nContent-Type: application/x-ndjson\n\n{"sku_id":"A-2","quantity_in_stock":1}\n\n{"sku_id":"A-3","quantity_in_stock":2}\n',
    FORM(
      '--b\r\nContent-Disposition: form-data; name="filename"\r\n\r\na.csv\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\nsku_id,quantity_in_stock\nA-1,5\n\r\n--b--\r\n',
    ),
    'POST /timp/organizations/user-login/ HTTP/1.1\nContent-Type: application/json\n\n{"username":"u","password":"p"}',
    'POST /timp/notifications/webhooks/ HTTP/1.1\nAuthorization: Token TOKEN\nContent-Type: application/json\n\n{"url":"https://example.com/hook"}',
    'GET /docs/ HTTP/1.1\n\n',
    ...PATHS.map((path) => `GET ${path}?limit=2 HTTP/1.1\nAuthorization: Token TOKEN\n\n`),
  ],
  run: async (bytes) => {
    running ??= start();
    const { server, token } = await running;
    const response = await answerTo(Number(new URL(server.url).port), requestOf(bytes, token));
    for (const one of response) checkResponse(one);
  },
  close: async () => {
    if (running !== undefined) await (await running).remove();
  },
};

function requestOf(bytes: Buffer, token: string): Buffer {
  const text = bytes.toString('latin1').replaceAll('TOKEN', token);
  const end = text.indexOf('\n\n');
  const [head, body] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 2)];
  const rows = head.split('\n');
  const isFramed = rows.some((row) => /^(?:content-length|transfer-encoding)\s*:/i.test(row));
  if (!isFramed && body !== '') rows.push(`Content-Length: ${body.length}`);
  // Most readers are behind the check of the host.
  if (!rows.some((row) => /^host\s*:/i.test(row))) rows.push('Host: fuzz.example');
  rows.push('Connection: close');
  return Buffer.from(`${rows.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

/** How long to wait for a response, in milliseconds: long polling and a body that never arrives would take longer. */
const ANSWER_MS = 1500;

interface Response {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

async function answerTo(port: number, request: Buffer): Promise<readonly Response[]> {
  const socket = connect(port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.on('error', () => undefined);
  const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
  const closed = once(socket, 'close');
  // Half-closing the connection makes the server notice at once that a body is incomplete.
  socket.end(request);
  await closed;
  clearTimeout(timer);
  return responsesIn(Buffer.concat(parts).toString());
}

function responsesIn(text: string): readonly Response[] {
  return text.split(/(?=HTTP\/1\.1 [0-9]{3} )/).flatMap((response) => {
    const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(response)?.[1]);
    const end = response.indexOf('\r\n\r\n');
    return Number.isNaN(status) || end < 0
      ? []
      : [{ status, head: response.slice(0, end), body: response.slice(end + 4) }];
  });
}

/** Throws if an error is not a problem document that can be shown, or says that the server failed. */
function checkResponse({ status, head, body }: Response): void {
  if (status < 400) return;
  const isBusy = status === 503 && /^retry-after: [0-9]+\r?$/im.test(head);
  expectThat(status < 500 || isBusy, 'a server error', { status, head, body });
  if (!/^content-type: application\/problem\+json/im.test(head)) {
    // A response to HEAD and a cut one have no body.
    expectThat(
      body === '' && !/^content-type:/im.test(head),
      'an error that is no problem document',
      { head, body },
    );
    return;
  }
  const length = Number(/^content-length: ([0-9]+)/im.exec(head)?.[1]);
  if (body === '' || Buffer.byteLength(body) < length) return;
  const problem: unknown = JSON.parse(body);
  if (
    typeof problem !== 'object' ||
    problem === null ||
    !('detail' in problem) ||
    typeof problem.detail !== 'string'
  )
    throw new Disagreement('a problem without detail', { body });
  checkMessage(problem.detail);
}
