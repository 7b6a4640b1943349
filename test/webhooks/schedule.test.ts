import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  leasableAtMs,
  lease,
  newDelivery,
  readRetryAfter,
  resume,
  retryDelayMs,
  retryNow,
  RETRY_AFTER_MAX_MS,
  RETRY_DELAY_MAX_MS,
  RETRY_FIRST_MS,
  RETRY_FOR_MS,
  RETRY_JITTER,
  settle,
  type AttemptResult,
  type WebhookDelivery,
} from '../../src/webhooks/schedule.ts';
import { Random } from '../random.ts';

fc.configureGlobal({ seed: 20_261_123 });

const LEASE_MS = 60_000;
const DELIVERED: AttemptResult = { kind: 'delivered' };

function failed(retryAfterMs: number | null = null): AttemptResult {
  return { kind: 'failed', failure: 'The receiver answered 500.', retryAfterMs };
}

function mustLease(delivery: WebhookDelivery, nodeId: string, nowMs: number) {
  const leased = lease(delivery, nodeId, nowMs, LEASE_MS);
  if (leased === undefined) throw new Error(`cannot be leased at ${nowMs}`);
  return leased;
}

/** One attempt that does not succeed, from lease to result. */
function attempt(
  delivery: WebhookDelivery,
  nowMs: number,
  result: AttemptResult,
  random = 0.5,
): WebhookDelivery {
  const leased = mustLease(delivery, 'a', nowMs);
  const settled = settle(leased, result, { nowMs, random });
  if (settled === 'delivered') throw new Error('it was delivered');
  return settled;
}

describe('a message', () => {
  test('is sent at once, by one node, until it is delivered', () => {
    const made = newDelivery('msg_1', 1000);
    const leased = mustLease(made, 'a', 1000);
    expect(leased).toMatchObject({
      messageId: 'msg_1',
      attempts: 1,
      firstAttemptAtMs: 1000,
      lease: { nodeId: 'a', untilMs: 61_000 },
    });
    expect(lease(leased, 'b', 60_999, LEASE_MS)).toBeUndefined();
    expect(lease(leased, 'a', 60_999, LEASE_MS)).toBeUndefined();
    expect(settle(leased, DELIVERED, { nowMs: 2000, random: 0.5 })).toBe('delivered');
  });

  test('is not sent before it is due', () => {
    expect(lease(newDelivery('msg_1', 1000), 'a', 999, LEASE_MS)).toBeUndefined();
  });

  test('keeps its ID through every attempt', () => {
    let delivery = newDelivery('msg_1', 0);
    for (let i = 0; i < 5; i += 1) delivery = attempt(delivery, leasableAtMs(delivery), failed());
    expect(delivery).toMatchObject({ messageId: 'msg_1', attempts: 5, state: 'pending' });
  });

  test('is leased to another node when the lease of the first expires', () => {
    const leased = mustLease(newDelivery('msg_1', 0), 'a', 0);
    const taken = mustLease(leased, 'b', LEASE_MS);
    expect(taken).toMatchObject({ attempts: 2, firstAttemptAtMs: 0, lease: { nodeId: 'b' } });
    expect(taken.lastFailure).toMatch(/stopped/);
    expect(settle(taken, DELIVERED, { nowMs: LEASE_MS, random: 0.5 })).toBe('delivered');
  });

  test('is delivered even if its result arrives after the lease', () => {
    const leased = mustLease(newDelivery('msg_1', 0), 'a', 0);
    expect(settle(leased, DELIVERED, { nowMs: 2 * LEASE_MS, random: 0.5 })).toBe('delivered');
  });
});

/** When the first retry is due if the receiver asks for this delay. */
function dueAfter(askedMs: number): number {
  return leasableAtMs(attempt(newDelivery('msg_1', 0), 0, failed(askedMs)));
}

describe('retries', () => {
  test('come after 5 s, 20 s, 80 s, 320 s, 1280 s, then every hour', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 70].map((attempts) => retryDelayMs(attempts, 0.5) / 1000);
    expect(delays).toEqual([5, 20, 80, 320, 1280, 3600, 3600, 3600]);
  });

  test('have a jitter of up to a fifth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempts, random) => {
          const delay = retryDelayMs(attempts, random);
          const plain = retryDelayMs(attempts, 0.5);
          expect(delay).toBeGreaterThanOrEqual(plain * (1 - RETRY_JITTER) - 1);
          expect(delay).toBeLessThanOrEqual(plain * (1 + RETRY_JITTER) + 1);
          expect(plain).toBeGreaterThanOrEqual(RETRY_FIRST_MS);
          expect(plain).toBeLessThanOrEqual(RETRY_DELAY_MAX_MS);
        },
      ),
    );
  });

  test('respect Retry-After up to six hours', () => {
    expect(dueAfter(0)).toBe(RETRY_FIRST_MS);
    expect(dueAfter(1000)).toBe(RETRY_FIRST_MS);
    expect(dueAfter(120_000)).toBe(120_000);
    expect(dueAfter(365 * 24 * 3_600_000)).toBe(RETRY_AFTER_MAX_MS);
  });

  test('end after three days; the message is then paused with the reason', () => {
    const random = new Random(3);
    let delivery = newDelivery('msg_1', 0);
    let lastAttemptMs = 0;
    while (delivery.state === 'pending') {
      lastAttemptMs = delivery.dueAtMs;
      delivery = attempt(delivery, delivery.dueAtMs, failed(), random.next());
    }
    expect(lastAttemptMs).toBe(RETRY_FOR_MS);
    expect(delivery.attempts).toBeGreaterThan(60);
    expect(delivery.attempts).toBeLessThan(100);
    expect(delivery).toMatchObject({ state: 'paused', pausedAtMs: RETRY_FOR_MS });
    if (delivery.state !== 'paused') throw new Error('not paused');
    expect(delivery.reason).toBe(
      `No attempt succeeded in 72 hours (${delivery.attempts} were made). The last: The receiver answered 500.`,
    );
  });

  test('stop at once on 410 Gone', () => {
    expect(attempt(newDelivery('msg_1', 0), 5, { kind: 'gone' })).toMatchObject({
      state: 'paused',
      pausedAtMs: 5,
      reason: 'The receiver answered 410 Gone: it wants no more messages.',
    });
  });
});

describe('a paused message', () => {
  const paused = attempt(newDelivery('msg_1', 0), 5, { kind: 'gone' });

  test('cannot be leased', () => {
    expect(lease(paused, 'b', Number.MAX_SAFE_INTEGER, LEASE_MS)).toBeUndefined();
  });

  test('is due at once after it is resumed, with no attempts counted', () => {
    expect(resume(paused, 500)).toEqual(newDelivery('msg_1', 500));
    expect(retryNow(paused, 500)).toEqual(newDelivery('msg_1', 500));
  });
});

describe('retryNow', () => {
  test('makes a message due that waits for its next attempt', () => {
    const waiting = attempt(newDelivery('msg_1', 0), 0, failed());
    expect(retryNow(waiting, 500)).toEqual(newDelivery('msg_1', 500));
    expect(resume(waiting, 500)).toBe(waiting);
  });

  test('leaves a message alone that is due or being sent, so that it is not sent twice at once', () => {
    const due = newDelivery('msg_1', 500);
    const leased = mustLease(due, 'a', 500);
    expect(retryNow(due, 500)).toBe(due);
    expect(retryNow(leased, 600)).toBe(leased);
    expect(lease(retryNow(leased, 600), 'b', 500 + LEASE_MS - 1, LEASE_MS)).toBeUndefined();
  });
});

describe('Retry-After', () => {
  const nowMs = Date.UTC(1994, 10, 6, 8, 49, 7);

  test.for([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 30_000],
    ['Sun, 06 Nov 1994 08:49:00 GMT', 0],
    ['', null],
    ['-1', null],
    ['1.5', null],
    ['soon', null],
    ['99999999999999999999', null],
    ['1994-11-06', null],
    ['Sun, 99 Nov 1994 08:49:37 GMT', null],
  ] as const)('is parsed: "%s"', ([header, expected]) => {
    expect(readRetryAfter(header, nowMs)).toBe(expected);
  });
});

/** One stored state, written by compare and set, and every request that was sent. */
class World {
  nowMs = 0;
  record: WebhookDelivery | 'delivered' = newDelivery('msg_1', 0);
  readonly requests: { readonly fromMs: number; readonly toMs: number }[] = [];

  swap(read: WebhookDelivery, next: World['record']): boolean {
    if (this.record !== read) return false;
    this.record = next;
    return true;
  }
}

/** A node that reads the state late, is slow, fails, and sometimes crashes while it sends. */
class Node {
  readonly #id: string;
  #read: World['record'] | undefined;
  #work: { readonly leased: ReturnType<typeof mustLease>; readonly endsAtMs: number } | undefined;

  constructor(id: string) {
    this.#id = id;
  }

  step(world: World, random: Random): void {
    if (this.#work !== undefined) this.#finish(world, random);
    else if (this.#read === undefined) this.#read = world.record;
    else this.#tryLease(world, random);
  }

  #tryLease(world: World, random: Random): void {
    const read = this.#read ?? world.record;
    this.#read = undefined;
    if (read === 'delivered') return;
    const leased = lease(read, this.#id, world.nowMs, LEASE_MS);
    if (leased === undefined || !world.swap(read, leased)) return;
    const endsAtMs = world.nowMs + random.below(LEASE_MS);
    world.requests.push({ fromMs: world.nowMs, toMs: endsAtMs });
    this.#work = { leased, endsAtMs };
  }

  #finish(world: World, random: Random): void {
    const work = this.#work;
    if (work === undefined || world.nowMs < work.endsAtMs) return;
    this.#work = undefined;
    if (random.chance(0.3)) return;
    const result = random.chance(0.02) ? DELIVERED : failed(random.below(100_000));
    const settled = settle(work.leased, result, { nowMs: world.nowMs, random: random.next() });
    world.swap(work.leased, settled);
  }
}

test.for(Array.from({ length: 40 }, (_, i) => i + 1))(
  'nodes that crash never send a message twice at once, and it is delivered or paused (seed %i)',
  (seed) => {
    const random = new Random(seed);
    const world = new World();
    const nodes = ['a', 'b', 'c'].map((id) => new Node(id));
    let retried = 0;
    const stateOf = () => (world.record === 'delivered' ? 'delivered' : world.record.state);
    const isOpen = () => ['pending', 'sending'].includes(stateOf());
    for (let step = 0; step < 200_000 && isOpen(); step += 1) {
      world.nowMs += random.below(20_000);
      if (world.record !== 'delivered' && random.chance(0.001)) {
        world.record = retryNow(world.record, world.nowMs);
        retried += 1;
      }
      random.pick(nodes).step(world, random);
    }
    expect(['delivered', 'paused']).toContain(stateOf());
    if (retried === 0 && world.record !== 'delivered') {
      expect(world.record.attempts).toBe(world.requests.length);
    }
    const overlapping = world.requests.filter(({ fromMs }, i) => {
      const before = world.requests[i - 1];
      return before !== undefined && fromMs < before.toMs;
    });
    expect(overlapping).toEqual([]);
  },
);
