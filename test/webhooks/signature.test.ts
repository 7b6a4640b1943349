import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  isWebhookSecret,
  newWebhookSecret,
  rotateSecret,
  SECRET_OVERLAP_MS,
  signatureHeaders,
} from '../../src/webhooks/signature.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

test('the signature matches the example of Standard Webhooks', () => {
  const headers = signatureHeaders(
    { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' },
    { current: SECRET, previous: null },
    1_614_265_330_000,
  );
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('the signature covers the id, the timestamp in seconds and the body as UTF-8', () => {
  const headers = signatureHeaders(
    { id: 'msg_1', body: '{"name":"Käse 🧀"}' },
    { current: SECRET, previous: null },
    1999,
  );
  const key = Buffer.from(SECRET.slice(6), 'base64');
  const expected = createHmac('sha256', key).update('msg_1.1.{"name":"Käse 🧀"}', 'utf8');
  expect(headers['webhook-signature']).toBe(`v1,${expected.digest('base64')}`);
});

describe('while a secret is being rotated', () => {
  const nowMs = 1_700_000_000_000;
  const message = { id: 'msg_1', body: '{}' };
  const next = newWebhookSecret();
  const rotated = rotateSecret({ current: SECRET, previous: null }, next, nowMs);
  const by = (secret: string, atMs: number): string =>
    signatureHeaders(message, { current: secret, previous: null }, atMs)['webhook-signature'];

  test('both secrets sign, the new one first', () => {
    for (const atMs of [nowMs, nowMs + SECRET_OVERLAP_MS - 1]) {
      expect(signatureHeaders(message, rotated, atMs)['webhook-signature']).toBe(
        `${by(next, atMs)} ${by(SECRET, atMs)}`,
      );
    }
  });

  test('the old secret stops signing after a day', () => {
    const atMs = nowMs + SECRET_OVERLAP_MS;
    expect(signatureHeaders(message, rotated, atMs)['webhook-signature']).toBe(by(next, atMs));
    expect(SECRET_OVERLAP_MS).toBe(24 * 3_600_000);
  });
});

/** A secret with `count` bytes. */
function ofBytes(count: number): string {
  return `whsec_${Buffer.alloc(count, 'k').toString('base64')}`;
}

describe('a secret', () => {
  test('that was generated is valid and different each time', () => {
    const secrets = Array.from({ length: 50 }, newWebhookSecret);
    expect(secrets.filter(isWebhookSecret)).toHaveLength(50);
    expect(new Set(secrets).size).toBe(50);
    expect(Buffer.from(secrets[0]?.slice(6) ?? '', 'base64')).toHaveLength(32);
  });

  test.for([SECRET, ofBytes(24), ofBytes(25), ofBytes(64)])('may be %s', (secret) => {
    expect(isWebhookSecret(secret)).toBe(true);
  });

  test.for([
    '',
    'whsec_',
    SECRET.slice(6),
    `WHSEC_${SECRET.slice(6)}`,
    `${SECRET}!`,
    `${SECRET.slice(0, -1)}-`,
    `${SECRET}=`,
    ofBytes(23),
    ofBytes(65),
  ])('may not be "%s"', (secret) => {
    expect(isWebhookSecret(secret)).toBe(false);
  });
});
