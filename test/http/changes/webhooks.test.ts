import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { SINGLE, TestServer } from '../harness.ts';

const WEBHOOKS = '/timp/notifications/webhooks/';

let server: TestServer;
let token: string;
let retailerToken: string;
let retailerId: number;
let supplierId: number;

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A webhook receiver that records requests and answers with `status` and `headers`. */
class Receiver {
  readonly received: Received[] = [];
  status = 200;
  headers: Record<string, string> = {};
  answer: (headers: IncomingHttpHeaders) => string = () => 'noted';
  readonly #waiting: (() => void)[] = [];
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.received.push({
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      response.writeHead(this.status, this.headers).end(this.answer(request.headers));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  });

  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${this.#port()}/hook`));
    });
  }

  #port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async until(condition: (received: readonly Received[]) => boolean): Promise<void> {
    while (!condition(this.received)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let receiver: Receiver;
let url: string;
const BODIES: Readonly<Record<string, object>> = {
  PATCH: {},
  'POSTrecover/': { since: '2020-01-01T00:00:00Z' },
};

beforeAll(async () => {
  server = await TestServer.start({ webhooksAllowHttp: true, webhooksAllowPrivateNetworks: true });
  const made = await server.createSupplier('Acme', [entry('a'), entry('b')]);
  ({ token } = made);
  supplierId = made.supplier.id;
  const retailer = await server.createOrganization('retailer', 'Shop');
  retailerId = retailer.id;
  retailerToken = await server.createToken(retailer.id, ['view_items', 'manage_webhooks']);
});
afterAll(() => server.stop());

beforeEach(async () => {
  receiver = new Receiver();
  url = await receiver.listen();
  return () => receiver.close();
});

const ask = (method: string, path: string, body?: object, of = retailerToken) =>
  server.ask(method, `${WEBHOOKS}${path}`, { token: of, ...(body !== undefined && { body }) });

interface Registered {
  readonly uuid: string;
  readonly secret: string;
}

function isRegistered(json: unknown): json is Registered {
  return typeof json === 'object' && json !== null && 'uuid' in json;
}

const register = async (body: object, of = retailerToken): Promise<Registered> => {
  const { json, status, text } = await ask('POST', '', body, of);
  if (status !== 201 || !isRegistered(json)) throw new Error(text);
  return json;
};

const set = async (skuId: string, quantity: number): Promise<void> => {
  const body = { sku_id: skuId, quantity_in_stock: quantity };
  expect((await server.ask('POST', SINGLE, { token, body })).status).toBe(200);
};

describe('a webhook', () => {
  test('receives signed changes in order, only from the connected supplier', async () => {
    await server.store.accounts.createConnection(supplierId, retailerId);
    const { token: strangerToken } = await server.createSupplier('Stranger', [entry('s')]);
    const { uuid, secret } = await register({ url });
    await server.ask('POST', SINGLE, {
      token: strangerToken,
      body: { sku_id: 's', quantity_in_stock: 1 },
    });
    await set('a', 1);
    await set('b', 2);
    await set('b', 2);
    await receiver.until((all) => all.some(({ body }) => body.includes('"sku_id":"b"')));
    const skuIds = receiver.received.flatMap(({ body }) => body.match(/"sku_id":"."/g) ?? []);
    expect(skuIds).toEqual(['"sku_id":"a"', '"sku_id":"b"']);
    for (const { headers, body } of receiver.received) {
      const id = String(headers['webhook-id']);
      const signed = `${id}.${String(headers['webhook-timestamp'])}.${body}`;
      const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
      const signature = createHmac('sha256', key).update(signed).digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${signature}`);
      expect(JSON.parse(body)).toMatchObject({ type: 'inventory.changed' });
    }
    await expect
      .poll(async () => (await ask('GET', `${uuid}/attempts/`)).text, { timeout: 10_000 })
      .toContain('"is_delivered":true');
    expect((await ask('DELETE', `${uuid}/`)).status).toBe(200);
    expect((await ask('GET', `${uuid}/`)).status).toBe(404);
  });

  test('misses no change when it is resumed after a pause', async () => {
    const { uuid } = await register({ url });
    await set('a', 10);
    // The sender knows the webhook now, which must not delay the pause.
    await receiver.until((all) => all.length > 0);
    const paused = await ask('PATCH', `${uuid}/`, { is_paused: true });
    expect(paused.json).toMatchObject({ is_paused: true, paused_reason: 'Paused by its owner.' });
    await set('a', 11);
    await set('a', 12);
    await ask('PATCH', `${uuid}/`, { is_paused: false });
    await receiver.until((all) => all.some(({ body }) => body.includes('"quantity_in_stock":12')));
    const bodies = receiver.received.map(({ body }) => body).join('');
    expect(bodies).toContain('"after":{"quantity_in_stock":11');
    await ask('DELETE', `${uuid}/`);
  });

  test('is retried at once when its owner resumes it', async () => {
    receiver.status = 503;
    receiver.headers = { 'retry-after': '3600' };
    const { uuid } = await register({ url });
    await set('a', 31);
    await receiver.until((all) => all.length > 0);
    receiver.status = 200;
    // Resuming has no effect until the first attempt has been recorded.
    const resumed = async (): Promise<number> => {
      await ask('PATCH', `${uuid}/`, { is_paused: false });
      return receiver.received.length;
    };
    await expect.poll(resumed).toBe(2);
    const [first, second] = receiver.received;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    await ask('DELETE', `${uuid}/`);
  });

  test('is paused with the reason when its receiver returns 410', async () => {
    receiver.status = 410;
    const { uuid } = await register({ url });
    await set('a', 21);
    await receiver.until((all) => all.length > 0);
    for (;;) {
      const { json, text } = await ask('GET', `${uuid}/`);
      if (text.includes('"is_paused":true')) {
        expect(json).toMatchObject({ paused_reason: textMatching(/410/) });
        break;
      }
    }
    await ask('DELETE', `${uuid}/`);
  });

  test('can be tested, and its secret rotated', async () => {
    const { uuid, secret } = await register({ url, description: 'mine' });
    const tried = await ask('POST', `${uuid}/test/`);
    expect(tried.json).toMatchObject({ status: 200, response: 'noted', is_delivered: true });
    expect(receiver.received[0]?.body).toContain('webhook.test');
    const rotated = await ask('POST', `${uuid}/rotate-secret/`);
    expect(isRegistered(rotated.json) && rotated.json.secret).not.toBe(secret);
    await ask('POST', `${uuid}/test/`);
    expect(String(receiver.received[1]?.headers['webhook-signature']).split(' ')).toHaveLength(2);
    expect((await ask('GET', '')).text).not.toContain('whsec_');
    await ask('DELETE', `${uuid}/`);
  });

  test('is not accessible to other organizations', async () => {
    const { uuid } = await register({ url });
    await ask('POST', `${uuid}/test/`);
    const message = String(receiver.received[0]?.headers['webhook-id']);
    expect((await ask('GET', `${uuid}/deliveries/${message}/`)).status).toBe(200);
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['GET', 'attempts/'],
      ['GET', 'deliveries/'],
      ['GET', `deliveries/${message}/`],
      ['POST', `deliveries/${message}/send/`],
      ['POST', 'recover/'],
      ['POST', 'test/'],
      ['POST', 'rotate-secret/'],
    ] as const) {
      const body = BODIES[method + path];
      expect((await ask(method, `${uuid}/${path}`, body, token)).status, method + path).toBe(404);
    }
    expect((await ask('GET', '', undefined, token)).json).toEqual({ webhooks: [] });
    await ask('DELETE', `${uuid}/`);
  });

  test.each([
    [{}, 400, /url/],
    [{ url: 'https://example.com', colour: 1 }, 400, /colour/],
    [{ url: 'ftp://example.com' }, 422, /https/],
    [{ url: 'http://169.254.169.254/latest' }, 422, /./],
    [{ url: 'https://jo:pw@example.com/' }, 422, /password/],
    [{ url: 'http://127.0.0.1:1/', secret: 'short' }, 400, /whsec_/],
    [{ url: 'http://127.0.0.1:1/', supplier_uuids: ['x'] }, 400, /uuid/],
  ])('rejects %j', async (body, status, message) => {
    const answer = await ask('POST', '', body);
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(message);
  });
});

/** A webhook of the supplier's own, to which one message was delivered. */
const delivered = async (quantity: number): Promise<Registered & { readonly message: string }> => {
  const made = await register({ url }, token);
  await set('a', quantity);
  await receiver.until((all) => all.length > 0);
  const message = String(receiver.received[0]?.headers['webhook-id']);
  const shown = async () =>
    (await ask('GET', `${made.uuid}/deliveries/${message}/`, undefined, token)).text;
  await expect.poll(shown).toContain('"attempt_count":1');
  return { ...made, message };
};
const remove = async ({ uuid }: Registered) => ask('DELETE', `${uuid}/`, undefined, token);

describe('what was sent to a webhook', () => {
  test('is shown with its request and response, and never with a secret or a signature', async () => {
    receiver.status = 500;
    receiver.headers = { 'x-trace': 'abc', 'set-cookie': 'session=hidden' };
    receiver.answer = (headers) => `no: ${String(headers['webhook-signature'])}`;
    const made = await delivered(101);
    const { text } = await ask('GET', `${made.uuid}/deliveries/`, undefined, token);
    const detailed = await ask('GET', `${made.uuid}/deliveries/${made.message}/`, undefined, token);
    const known = {
      message_id: made.message,
      type: 'inventory.changed',
      change_count: 1,
      attempt_count: 1,
      is_delivered: false,
      status: 500,
      response: 'no: v1,(not stored)',
      can_send_again: true,
    };
    expect(JSON.parse(text)).toMatchObject({ deliveries: [known] });
    expect(JSON.parse(text)).toMatchObject({ deliveries: [{ next_attempt: textMatching(/Z$/) }] });
    expect(detailed.json).toMatchObject({
      ...known,
      attempts: [
        {
          status: 500,
          request: {
            url,
            body: receiver.received[0]?.body,
            body_bytes: receiver.received[0]?.body.length,
            headers: {
              'webhook-id': made.message,
              'webhook-signature': '(not stored)',
              'content-type': 'application/json',
            },
          },
          response_headers: { 'x-trace': 'abc', 'set-cookie': '(not stored)' },
        },
      ],
    });
    const signature = String(receiver.received[0]?.headers['webhook-signature']).slice(
      'v1,'.length,
    );
    for (const secret of [signature, made.secret, 'session=hidden']) {
      expect(detailed.text).not.toContain(secret);
    }
    await ask('PATCH', `${made.uuid}/`, { is_paused: true }, token);
    const paused = await ask('GET', `${made.uuid}/deliveries/`, undefined, token);
    expect(paused.json).toMatchObject({ deliveries: [{ next_attempt: null }] });
    await remove(made);
  });

  test('is sent again with the same ID and content, and then no longer waits', async () => {
    receiver.status = 500;
    const made = await delivered(102);
    receiver.status = 200;
    const path = `${made.uuid}/deliveries/${made.message}/`;
    const again = await ask('POST', `${path}send/`, undefined, token);
    expect(again.json).toMatchObject({ status: 200, is_delivered: true });
    const [first, second] = receiver.received;
    expect(second?.headers['webhook-id']).toBe(made.message);
    expect(second?.body).toBe(first?.body);
    expect((await ask('GET', path, undefined, token)).json).toMatchObject({
      attempt_count: 2,
      is_delivered: true,
      next_attempt: null,
    });
    // The next message follows at once, so the first one is settled.
    await set('a', 103);
    await receiver.until((all) => all.some(({ body }) => body.includes('103')));
    await remove(made);
  });

  test('a test is listed, and cannot be sent again', async () => {
    const made = await register({ url }, token);
    await ask('POST', `${made.uuid}/test/`, undefined, token);
    const message = String(receiver.received[0]?.headers['webhook-id']);
    const path = `${made.uuid}/deliveries/${message}/`;
    expect((await ask('GET', path, undefined, token)).json).toMatchObject({
      type: 'webhook.test',
      supplier_uuid: null,
      can_send_again: false,
    });
    expect((await ask('POST', `${path}send/`, undefined, token)).status).toBe(422);
    expect((await ask('GET', `${made.uuid}/deliveries/other/`, undefined, token)).status).toBe(404);
    await remove(made);
  });

  test('a message about a supplier that is no longer visible is not sent again', async () => {
    const { supplier, token: own } = await server.createSupplier('Brief', [entry('z')]);
    await server.store.accounts.createConnection(supplier.id, retailerId);
    const { uuid } = await register({ url, supplier_uuids: [supplier.uuid] });
    const body = { sku_id: 'z', quantity_in_stock: 1 };
    await server.ask('POST', SINGLE, { token: own, body });
    await receiver.until((all) => all.length > 0);
    const path = `${uuid}/deliveries/${String(receiver.received[0]?.headers['webhook-id'])}/`;
    await expect.poll(async () => (await ask('GET', path)).status).toBe(200);
    await server.store.accounts.removeConnection(supplier.id, retailerId);
    expect((await ask('POST', `${path}send/`)).json).toMatchObject({
      type: '/docs/errors#webhook_refused',
    });
    expect(receiver.received).toHaveLength(1);
    await ask('DELETE', `${uuid}/`);
  });

  test('all changes since a time are delivered again, in order and before newer ones', async () => {
    const made = await delivered(104);
    await set('b', 105);
    await receiver.until((all) => all.some(({ body }) => body.includes('105')));
    const since = firstChangedIn(receiver.received[0]?.body ?? '');
    const recover = (query: string) =>
      ask('POST', `${made.uuid}/recover/${query}`, { since }, token);
    // Both are counted once the second delivery is recorded.
    await expect
      .poll(async () => (await recover('?dry_run=true')).json)
      .toEqual({ since, dry_run: true, suppliers: 1, changes: 2 });
    const before = receiver.received.length;
    expect((await recover('')).json).toMatchObject({ dry_run: false, changes: 2 });
    await set('a', 106);
    await receiver.until((all) =>
      all.slice(before).some(({ body }) => body.includes('"quantity_in_stock":106')),
    );
    const again = receiver.received.slice(before);
    const quantities = again.flatMap(({ body }) => quantitiesIn(body));
    expect(quantities).toEqual([104, 105, 106]);
    // A receiver that drops repeated IDs must not drop these.
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(ids.length);
    await remove(made);
  });

  test('changes that are no longer kept are not promised again', async () => {
    const made = await register({ url }, token);
    const recover = (body: object) => ask('POST', `${made.uuid}/recover/`, body, token);
    expect((await recover({ since: '2001-01-01T00:00:00Z' })).json).toMatchObject({
      type: '/docs/errors#history_expired',
      detail: textMatching(/365 days/),
    });
    expect((await recover({ since: 'yesterday' })).json).toMatchObject({
      type: '/docs/errors#member_invalid',
      detail: textMatching(/since/),
    });
    await remove(made);
  });
});

function firstChangedIn(body: string): string {
  return /"timestamp":"([^"]+)"/.exec(body)?.[1] ?? 'none';
}

function quantitiesIn(body: string): readonly number[] {
  return [...body.matchAll(/"after":\{"quantity_in_stock":(\d+)/g)].map(([, digits]) =>
    Number(digits),
  );
}

test('by default a URL must use https and a public address', async () => {
  const strict = await TestServer.start();
  try {
    const { token: own } = await strict.createSupplier('Acme');
    for (const refused of [
      'http://203.0.113.5/',
      'https://127.0.0.1/',
      'https://[::1]/',
      'https://0x7f.1/',
      'https://10.0.0.1/',
    ]) {
      const answer = await strict.ask('POST', WEBHOOKS, { token: own, body: { url: refused } });
      expect(answer.status, refused).toBe(422);
    }
  } finally {
    await strict.stop();
  }
});
