import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientConnections } from '../../../src/http/request/client-connections.ts';
import { isLoopback, networkOf } from '../../../src/http/request/client-networks.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf } from '../answers.ts';
import { BULK, LOGIN, SKUS, TestServer, USER_PASSWORD } from '../harness.ts';
import { exchange, RawConnection } from './raw.ts';

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start({ slowPeerGraceMs: 500 });
  ({ token } = await server.createSupplier('Acme', [entry('A')]));
});
afterAll(() => server.stop());

describe('a request with two', () => {
  test.for([
    ['Host headers', 'Host: x\r\nHost: y', 'Host'],
    ['Host headers in other case', 'Host: x\r\nhOST: x', 'hOST'],
    ['Authorization headers', 'Host: x\r\nAuthorization: Token y', 'Authorization'],
  ] as const)('%s is refused', async ([, headers, name]) => {
    const answer = await exchange(
      server.url,
      `GET ${SKUS} HTTP/1.1\r\nAuthorization: Token ${token}\r\n${headers}\r\nConnection: close\r\n\r\n`,
    );
    const detail = problemOf(answer, 400, 'request_malformed');
    expect(detail).toContain(`more than one ${name} header`);
  });
});

test('a path that leaves the folder of the documentation does not exist', async () => {
  const answer = await exchange(
    server.url,
    'GET /docs/static/%2e%2e/package.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );
  problemOf(answer, 404, 'path_not_found');
});

test('a body that arrives too slowly is refused with 408, and its connection is closed', async () => {
  const connection = await RawConnection.open(server.url);
  await connection.send(
    `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\nContent-Length: 1000\r\n\r\n[`,
  );
  const received = await connection.rest();
  expect(received).toMatch(/^HTTP\/1\.1 408 /);
  expect(received).toContain('ONHAND_RECEIVE_BYTES_PER_SECOND_MIN');
});

test('the rest of a refused body is read only up to a limit, then the connection is closed', async () => {
  const strict = await TestServer.start({ discardedBytesMax: 200_000, discardedMsMax: 1000 });
  const refuse = async (headers: string): Promise<RawConnection> => {
    const connection = await RawConnection.open(strict.url);
    await connection.send(
      `POST ${BULK} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n${headers}\r\n[`,
    );
    expect(await connection.until(/\}\n$/)).toMatch(/^HTTP\/1\.1 (?:401|415) /);
    return connection;
  };
  const [large, slow] = [await refuse(''), await refuse('')];
  await large.send('x'.repeat(500_000));
  await large.rest();
  await slow.rest();
  await strict.stop();
});

test.for([LOGIN, USER_PASSWORD])(
  'a client address has a limited number of open requests to %s',
  async (path) => {
    const strict = await TestServer.start({ openLoginsPerAddressMax: 2 });
    const opened: RawConnection[] = [];
    for (let i = 0; i < 2; i += 1) {
      const connection = await RawConnection.open(strict.url);
      await connection.send(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`);
      opened.push(connection);
    }
    const body = { username: 'jo', password: 'x' };
    const refused = await strict.ask('POST', LOGIN, { body });
    expect(problemOf(refused, 429, 'rate_limited')).toContain('ONHAND_OPEN_LOGINS_PER_ADDRESS_MAX');
    for (const connection of opened) await connection.destroy();
    await expect.poll(async () => (await strict.ask('POST', LOGIN, { body })).status).toBe(401);
    await strict.stop();
  },
);

test('clients behind a proxy are limited by the open requests of each address', async () => {
  const proxied = await TestServer.start({ trustProxy: true, clientConnectionsPerAddressMax: 1 });
  const { token: its } = await proxied.createSupplier('Acme', [entry('A')]);
  const from = (address: string) =>
    proxied.ask('GET', SKUS, { token: its, headers: { 'x-forwarded-for': address } });
  const held = await RawConnection.open(proxied.url);
  await held.send(
    `POST ${BULK} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nAuthorization: Token ${its}\r\nContent-Length: 1000\r\n\r\n`,
  );
  await expect.poll(async () => (await from('192.0.2.1')).status).toBe(503);
  const refused = await from('192.0.2.1');
  expect(problemOf(refused, 503, 'overloaded')).toContain('CLIENT_CONNECTIONS_PER_ADDRESS_MAX');
  expect((await from('192.0.2.2')).status).toBe(200);
  await held.destroy();
  await expect.poll(async () => (await from('192.0.2.1')).status).toBe(200);
  await proxied.stop();
});

test.for([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '8193:3512:1:2'],
  ['2001:db8:1:2::1', '8193:3512:1:2'],
  ['2001:db8:1:3::1', '8193:3512:1:3'],
] as const)('the address %s counts as %s', ([address, network]) => {
  expect(networkOf(address)).toBe(network);
  expect(isLoopback(address)).toBe(false);
});

test.for(['127.0.0.1', '::ffff:127.0.0.1', '::1'])('%s is not limited', (address) => {
  expect(isLoopback(address)).toBe(true);
});

test('readiness shows how much of each limit is used', async () => {
  const connection = await RawConnection.open(server.url);
  await connection.send(
    `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\nContent-Length: 1000\r\n\r\n`,
  );
  const usage = async (resource: string): Promise<unknown> =>
    at((await server.ask('GET', '/readyz')).json, 'usage', resource, 'used');
  await expect.poll(() => usage('open_requests')).toBe(1);
  expect(await usage('open_bytes')).toBe(1000);
  await connection.destroy();
  await expect.poll(() => usage('open_requests')).toBe(0);
  expect(await usage('open_bytes')).toBe(0);
});

describe('when the connections of all clients are used up', () => {
  const CONNECTIONS_MAX = 10;
  let crowded: TestServer;
  beforeAll(async () => {
    crowded = await TestServer.start({ clientConnectionsMax: CONNECTIONS_MAX });
  });
  afterAll(() => crowded.stop());

  test.for([
    ['send half of a header', 'GET / HTTP/1.1\r\nHost:'],
    ['send a login slowly', `POST ${LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`],
    ['send nothing', ''],
  ] as const)('those that %s make room for new ones', async ([, bytes]) => {
    const held: RawConnection[] = [];
    for (let i = 0; i < 2 * CONNECTIONS_MAX; i += 1) {
      const connection = await RawConnection.open(crowded.url);
      held.push(connection);
      if (bytes !== '') await connection.send(bytes);
      const { status } = await exchange(crowded.url, HEALTH);
      expect(status).toBe(200);
    }
    await held[0]?.rest();
    for (const connection of held) await connection.destroy();
  });

  test('those of admitted requests stay open', async () => {
    const { token: its } = await crowded.createSupplier('Acme', [entry('A')]);
    const admitted = await RawConnection.open(crowded.url);
    const line = '[{"sku_id":"A","quantity_in_stock":1}]';
    await admitted.send(
      `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${its}\r\nContent-Length: ${line.length}\r\n\r\n`,
    );
    const open = async (): Promise<unknown> =>
      at((await crowded.ask('GET', '/readyz')).json, 'usage', 'open_requests', 'used');
    await expect.poll(open).toBe(1);
    const held: RawConnection[] = [];
    for (let i = 0; i < 2 * CONNECTIONS_MAX; i += 1)
      held.push(await RawConnection.open(crowded.url));
    await admitted.send(line);
    expect(await admitted.until(/success/)).toMatch(/^HTTP\/1\.1 200 /);
    for (const connection of [admitted, ...held]) await connection.destroy();
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => address === '::1'),
);

test('a server on localhost has one set of limits for both of its addresses, and closes although clients wait there', async () => {
  const settings = { host: 'localhost', clientConnectionsMax: 10, slowPeerGraceMs: 500 };
  const both = await TestServer.start(settings);
  const { token: its } = await both.createSupplier('Acme', [entry('A')]);
  const url = hasIpv6 ? both.url.replace('127.0.0.1', '[::1]') : both.url;
  const held: RawConnection[] = [];
  for (let i = 0; i < 20; i += 1) held.push(await RawConnection.open(i % 2 ? url : both.url));
  const used = at((await both.ask('GET', '/readyz')).json, 'usage', 'connections', 'used');
  expect(used).toBeLessThanOrEqual(10);
  const pipelining = await RawConnection.open(url);
  await pipelining.send('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000));
  const answers = (await pipelining.rest()).match(/HTTP\/1\.1 200 /g) ?? [];
  expect(answers.length).toBeLessThan(100);
  for (const connection of held) await connection.destroy();

  const waiting: RawConnection[] = [];
  for (const bytes of [
    '',
    'GET / HTTP/1.1\r\nHost:',
    `POST ${LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`,
    `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${its}\r\nContent-Length: 100\r\n\r\n[`,
  ]) {
    const connection = await RawConnection.open(url);
    if (bytes !== '') await connection.send(bytes);
    waiting.push(connection);
  }
  await both.stop();
  for (const connection of waiting) await connection.rest();
  await expect(RawConnection.open(url)).rejects.toThrow('ECONNREFUSED');
});

test('connections beyond the limit of an address are answered 503 and closed', async () => {
  const limited = createServer((_request, response) => response.end('ok'));
  new ClientConnections({
    limits: { clientConnectionsMax: 100, clientConnectionsPerAddressMax: 2 },
    isProxied: false,
    refusal: () => 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n',
  }).attach(limited);
  // Loopback addresses are not limited, so the sockets name another one.
  limited.prependListener('connection', (socket) => {
    Object.defineProperty(socket, 'remoteAddress', { value: '192.0.2.1' });
  });
  await new Promise<void>((resolve) => {
    limited.listen(0, '127.0.0.1', resolve);
  });
  const address = limited.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const [first, second] = [await RawConnection.open(url), await RawConnection.open(url)];
  await second.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await second.until(/ok/);
  const third = await RawConnection.open(url);
  expect(await third.rest()).toMatch(/^HTTP\/1\.1 503 /);
  await first.destroy();
  await expect
    .poll(async () => {
      const next = await RawConnection.open(url);
      await next.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      return (await next.rest()).slice(0, 12);
    })
    .toBe('HTTP/1.1 200');
  await second.destroy();
  limited.close();
});

/** A body in chunked encoding, of `count` chunks. */
function chunked(chunk: string, count: number): string {
  return `${`${chunk.length.toString(16)}\r\n${chunk}\r\n`.repeat(count)}0\r\n\r\n`;
}

function skusHead(limit: number): string {
  return `GET ${SKUS}?limit=${limit} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n\r\n`;
}

test('requests that are sent at once are answered in order; with too many, the connection is closed', async () => {
  const few = await RawConnection.open(server.url);
  const last = 'GET /no-path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
  await few.send(Array.from({ length: 40 }, (_, i) => skusHead(i)).join('') + last);
  const statuses = Array.from(
    (await few.rest()).matchAll(/HTTP\/1\.1 (\d+) /g),
    ([, status]) => status,
  );
  expect(statuses).toEqual(['400', ...Array.from({ length: 39 }, () => '200'), '404']);
  const many = await RawConnection.open(server.url);
  const one = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  await many.send(one.repeat(1000) + HEALTH).catch(() => undefined);
  expect((await many.rest()).match(/HTTP\/1\.1 200 /g)?.length ?? 0).toBeLessThan(100);
});

test.for([
  ['a bulk update', BULK, 'application/json'],
  ['a stream', BULK, 'application/x-ndjson'],
  ['an upload', '/timp/organizations/files/upload/', 'text/csv'],
] as const)(
  '$0 in chunks of one byte is refused, in chunks of 32 it is not',
  async ([, path, type]) => {
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    const tiny = await RawConnection.open(server.url);
    await tiny.send(head + chunked(' ', 20_000)).catch(() => undefined);
    const received = await tiny.rest();
    // A stream that has begun its response cannot be refused any more, but it does not end.
    if (type === 'application/x-ndjson') expect(received).not.toContain('lines-succeeded: ');
    else if (received !== '')
      expect(received).toMatch(/^HTTP\/1\.1 400 [^]*ONHAND_CHUNK_BYTES_MIN/);
    const small = await RawConnection.open(server.url);
    await small.send(head + chunked(' '.repeat(31) + '\n', 3000));
    expect(await small.rest()).not.toContain('ONHAND_CHUNK_BYTES_MIN');
  },
);
