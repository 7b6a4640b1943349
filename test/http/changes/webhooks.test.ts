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
  readonly #waiting: (() => void)[] = [];
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.received.push({
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      response.writeHead(this.status, this.headers).end('noted');
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
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['GET', 'attempts/'],
      ['POST', 'test/'],
      ['POST', 'rotate-secret/'],
    ] as const) {
      const body = method === 'PATCH' ? {} : undefined;
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
