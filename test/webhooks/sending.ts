import { afterEach } from 'vitest';
import { deliver, type AttemptOutcome, type DeliverOptions } from '../../src/webhooks/attempt.ts';
import { Receiver } from './receiver.ts';

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SUPPLIER = { uuid: '7d9f0b1e-0000-4000-8000-000000000001', name: 'Acme' };
const MESSAGE = {
  type: 'inventory.changed',
  records: [{ kind: 'supplier_entered', supplier: SUPPLIER, sequence: 3 }],
  cursor: 'AQ',
} as const;

/** Options that allow plain HTTP to this machine. */
export const OPTIONS: DeliverOptions = {
  policy: { allowHttp: true, allowPrivateNetworks: true },
  timeoutMs: 5000,
  excerptBytesMax: 100,
  resolve: () => Promise.resolve(['127.0.0.1']),
  userAgent: 'onhand/test',
  now: () => 1_700_000_000_123,
};

let receivers: Receiver[] = [];
afterEach(async () => {
  await Promise.all(receivers.map((receiver) => receiver.close()));
  receivers = [];
});

/** Waits until a receiver has started; closes it after the test. */
export async function open(starting: Promise<Receiver>): Promise<Receiver> {
  const receiver = await starting;
  receivers.push(receiver);
  return receiver;
}

export function answering(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): Promise<Receiver> {
  return open(Receiver.http((response) => response.writeHead(status, headers).end(body)));
}

/** Delivers a fixed message. */
export function send(
  url: string,
  overrides: Partial<DeliverOptions> = {},
): Promise<AttemptOutcome> {
  return deliver(
    {
      url,
      secrets: { current: SECRET, previous: null },
      messageId: 'msg_1',
      message: MESSAGE,
      madeAtMs: 1_699_999_999_000,
    },
    { ...OPTIONS, ...overrides },
  );
}

export function urlOf({ port }: Receiver, path = '/hook'): string {
  return `http://127.0.0.1:${port}${path}`;
}

export function failureOf({ result }: AttemptOutcome): string {
  return result.kind === 'failed' ? result.failure : `not failed but ${result.kind}`;
}
