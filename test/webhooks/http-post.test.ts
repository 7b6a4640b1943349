import { createSocket } from 'node:dgram';
import { describe, expect, test } from 'vitest';
import {
  dnsResolve,
  postWebhook,
  refusalOfWebhookUrl,
  type Resolve,
} from '../../src/webhooks/http-post.ts';
import { RECEIVER_CERTIFICATE } from './certificate.ts';
import { Receiver } from './receiver.ts';
import { answering, failureOf, open, OPTIONS, send, urlOf } from './sending.ts';

/** A resolver that returns the same addresses for every name. */
function resolvingTo(...addresses: readonly string[]): Resolve {
  return () => Promise.resolve(addresses);
}

describe('the address check at every connection', () => {
  const strict = { policy: { allowHttp: true, allowPrivateNetworks: false } };

  test('refuses a name that resolves to this machine before sending anything', async () => {
    const receiver = await answering(200);
    for (const addresses of [
      ['127.0.0.1'],
      ['::1'],
      ['::ffff:127.0.0.1'],
      ['93.184.216.34', '127.0.0.1'],
      ['169.254.169.254'],
      [],
    ]) {
      const resolve = resolvingTo(...addresses);
      const outcome = await send(`http://receiver.test:${receiver.port}/`, { ...strict, resolve });
      expect(failureOf(outcome)).toMatch(
        /^The host name has no address, or one that is not allowed/,
      );
    }
    expect(receiver.connections).toBe(0);
    expect(receiver.received).toEqual([]);
  });

  test('refuses a name that was public when it was registered and no longer is', async () => {
    const receiver = await answering(200);
    const answers = [['93.184.216.34'], ['127.0.0.1']];
    const resolve = (): Promise<readonly string[]> => Promise.resolve(answers.shift() ?? []);
    const url = `http://receiver.test:${receiver.port}/`;
    expect(await refusalOfWebhookUrl(url, { ...strict, resolve })).toBeUndefined();
    expect(failureOf(await send(url, { ...strict, resolve }))).toMatch(
      /^The host name has no address/,
    );
    expect(receiver.received).toEqual([]);
  });

  test('resolves a name once and connects to the address that was checked', async () => {
    const receiver = await answering(200);
    const asked: string[] = [];
    const resolve = (name: string): Promise<readonly string[]> => {
      asked.push(name);
      return Promise.resolve(asked.length === 1 ? ['127.0.0.1'] : ['127.0.0.9']);
    };
    const outcome = await send(`http://receiver.test:${receiver.port}/`, { resolve });
    expect(outcome.status).toBe(200);
    expect(asked).toEqual(['receiver.test']);
    expect(receiver.received[0]?.headers['host']).toBe(`receiver.test:${receiver.port}`);
  });

  test('tries the next address when one does not answer', async () => {
    const receiver = await answering(200);
    const resolve = resolvingTo('127.0.0.2', '127.0.0.3', '127.0.0.1');
    expect((await send(`http://receiver.test:${receiver.port}/`, { resolve })).status).toBe(200);
  });

  test.for(['0x7f.1', '2130706433', '017700000001', '127.1', '[::ffff:127.0.0.1]', '[::1]'])(
    'refuses this machine in the spelling %s',
    async (host) => {
      const receiver = await answering(200);
      const outcome = await send(`http://${host}:${receiver.port}/`, strict);
      expect(failureOf(outcome)).toMatch(/^The URL is an address that is not public/);
      expect(receiver.connections).toBe(0);
    },
  );

  test('refuses a name instead of an address from the resolver', async () => {
    const resolve = resolvingTo('localhost');
    expect(failureOf(await send('http://receiver.test/', { resolve }))).toMatch(
      /^The host name has no address/,
    );
  });

  test('fails at the timeout if the resolver never answers', async () => {
    const { promise } = Promise.withResolvers<never>();
    const outcome = await send('http://receiver.test/', { resolve: () => promise, timeoutMs: 100 });
    expect(failureOf(outcome)).toMatch(/did not answer within 0.1 seconds/);
  });

  test('does not connect if the resolver answers after the timeout', async () => {
    const receiver = await answering(200);
    const answer = Promise.withResolvers<readonly string[]>();
    const url = `http://receiver.test:${receiver.port}/`;
    await send(url, { resolve: () => answer.promise, timeoutMs: 50 });
    answer.resolve(['127.0.0.1']);
    await answer.promise;
    expect((await send(urlOf(receiver, '/after'))).status).toBe(200);
    expect(receiver.received.map(({ path }) => path)).toEqual(['/after']);
  });

  test('does not try a URL that is not allowed', async () => {
    const request = { url: 'ftp://example.com/', headers: {}, body: '' };
    expect(await postWebhook(request, OPTIONS)).toEqual({
      kind: 'failed',
      failure: 'The URL must begin with https:// or http://.',
    });
  });
});

describe('over https', () => {
  const trusting = { certificateAuthority: RECEIVER_CERTIFICATE };

  test('the certificate must match the name of the URL', async () => {
    const receiver = await open(Receiver.https((response) => response.end('seen')));
    const right = await send(`https://receiver.test:${receiver.port}/`, trusting);
    expect(right).toMatchObject({ status: 200, text: 'seen' });
    const wrong = await send(`https://other.test:${receiver.port}/`, trusting);
    expect(failureOf(wrong)).toMatch(/^No trusted TLS connection could be established/);
    const literal = await send(`https://127.0.0.1:${receiver.port}/`, trusting);
    expect(failureOf(literal)).toMatch(/^No trusted TLS connection could be established/);
    expect(receiver.received).toHaveLength(1);
  });

  test('a certificate of an unknown authority is not trusted', async () => {
    const receiver = await open(Receiver.https((response) => response.end()));
    const outcome = await send(`https://receiver.test:${receiver.port}/`);
    expect(failureOf(outcome)).toMatch(/^No trusted TLS connection could be established/);
    expect(receiver.received).toEqual([]);
  });

  test('a receiver that speaks plain HTTP fails the attempt', async () => {
    const receiver = await answering(200);
    const outcome = await send(`https://receiver.test:${receiver.port}/`, trusting);
    expect(failureOf(outcome)).toMatch(/^No trusted TLS connection could be established/);
  });
});

/** A name server with one name that has an IPv4 and an IPv6 address. */
class NameServer {
  readonly #socket = createSocket('udp4');

  async listen(): Promise<string> {
    this.#socket.on('message', (query, { port, address }) => {
      this.#socket.send(this.#answer(query), port, address);
    });
    await new Promise<void>((resolve) => {
      this.#socket.bind(0, '127.0.0.1', resolve);
    });
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** A response by RFC 1035 §4: the header, the question, and one record that refers to the name in the question. */
  #answer(query: Buffer): Buffer {
    const nameEnd = query.indexOf(0, 12);
    const isKnown = query.subarray(12, nameEnd).includes('receiver');
    const type = query.readUInt16BE(nameEnd + 1);
    const address = type === 1 ? [93, 184, 216, 34] : [0x26, 6, ...Buffer.alloc(13), 1];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(isKnown ? 1 : 0, 6);
    header.writeUInt32BE(0, 8);
    const question = query.subarray(12, nameEnd + 5);
    const record = [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 9, 0, address.length, ...address];
    return Buffer.concat([header, question, Buffer.from(isKnown ? record : [])]);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.close(resolve);
    });
  }
}

test('names are resolved by DNS to IPv4 and IPv6 addresses', async () => {
  const nameServer = new NameServer();
  const resolve = dnsResolve([await nameServer.listen()]);
  try {
    expect((await resolve('receiver.test')).toSorted()).toEqual(['2606::1', '93.184.216.34']);
    await expect(resolve('other.test')).rejects.toThrow('other.test');
  } finally {
    await nameServer.close();
  }
});
