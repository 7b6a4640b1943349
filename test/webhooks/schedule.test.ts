import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  leasableAtMs,
  lease,
  newDelivery,
  pause,
  readRetryAfter,
  resume,
  retryDelayMs,
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

/** One attempt from lease to result. */
function attempt(
  delivery: WebhookDelivery,
  nowMs: number,
  result: AttemptResult,
  random = 0.5,
): WebhookDelivery {
  const leased = mustLease(delivery, 'a', nowMs);
  const settled = settle(leased, leased, result, { nowMs, random });
  if (settled === undefined) throw new Error('the lease did not hold');
  return settled;
}

describe('a message', () => {
  test('is sent at once, by one node, and is done with a success', () => {
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
    const delivered = settle(leased, leased, DELIVERED, { nowMs: 2000, random: 0.5 });
    expect(delivered).toMatchObject({ state: 'delivered', deliveredAtMs: 2000, attempts: 1 });
    expect(lease(delivered ?? made, 'b', Number.MAX_SAFE_INTEGER, LEASE_MS)).toBeUndefined();
  });

  test('is not sent before it is due', () => {
    expect(lease(newDelivery('msg_1', 1000), 'a', 999, LEASE_MS)).toBeUndefined();
  });

  test('keeps its id through every attempt', () => {
    let delivery = newDelivery('msg_1', 0);
    for (let i = 0; i < 5; i += 1) delivery = attempt(delivery, leasableAtMs(delivery), failed());
    expect(delivery).toMatchObject({ messageId: 'msg_1', attempts: 5, state: 'pending' });
  });

  test('goes to another node when the lease of the first has run out, and no sooner', () => {
    const leased = mustLease(newDelivery('msg_1', 0), 'a', 0);
    const taken = mustLease(leased, 'b', LEASE_MS);
    expect(taken).toMatchObject({ attempts: 2, firstAttemptAtMs: 0, lease: { nodeId: 'b' } });
    expect(taken.lastFailure).toMatch(/stopped/);
    expect(settle(taken, leased, DELIVERED, { nowMs: LEASE_MS, random: 0.5 })).toBeUndefined();
    expect(settle(taken, taken, DELIVERED, { nowMs: LEASE_MS, random: 0.5 })).toMatchObject({
      state: 'delivered',
    });
  });

  test('is done also when its result comes after the lease, if nobody else has it', () => {
    const leased = mustLease(newDelivery('msg_1', 0), 'a', 0);
    const settled = settle(leased, leased, DELIVERED, { nowMs: 2 * LEASE_MS, random: 0.5 });
    expect(settled).toMatchObject({ state: 'delivered' });
  });
});

/** When the first retry is due where the receiver asks for that much time. */
function dueAfter(askedMs: number): number {
  return leasableAtMs(attempt(newDelivery('msg_1', 0), 0, failed(askedMs)));
}

describe('after failures', () => {
  test('the delays are 5 s, 20 s, 80 s, 320 s, 1280 s, then an hour', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 70].map((attempts) => retryDelayMs(attempts, 0.5) / 1000);
    expect(delays).toEqual([5, 20, 80, 320, 1280, 3600, 3600, 3600]);
  });

  test('each is up to a fifth shorter or longer', () => {
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

  test('the receiver may ask for more time, up to six hours', () => {
    expect(dueAfter(0)).toBe(RETRY_FIRST_MS);
    expect(dueAfter(1000)).toBe(RETRY_FIRST_MS);
    expect(dueAfter(120_000)).toBe(120_000);
    expect(dueAfter(365 * 24 * 3_600_000)).toBe(RETRY_AFTER_MAX_MS);
  });

  test('it is tried for three days, then paused with the reason', () => {
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

  test('410 Gone pauses at once', () => {
    expect(attempt(newDelivery('msg_1', 0), 5, { kind: 'gone' })).toMatchObject({
      state: 'paused',
      pausedAtMs: 5,
      reason: 'The receiver answered 410 Gone: it wants no more messages.',
    });
  });
});

describe('a pause', () => {
  test('ends an attempt that is under way: its result counts no more', () => {
    const leased = mustLease(newDelivery('msg_1', 0), 'a', 0);
    const paused = pause(leased, 'Paused by its owner.', 10);
    expect(paused).toMatchObject({ state: 'paused', reason: 'Paused by its owner.' });
    expect(lease(paused, 'b', Number.MAX_SAFE_INTEGER, LEASE_MS)).toBeUndefined();
    expect(settle(paused, leased, DELIVERED, { nowMs: 20, random: 0 })).toBeUndefined();
  });

  test('ends with a new beginning', () => {
    const paused = pause(attempt(newDelivery('msg_1', 0), 0, failed()), 'Paused.', 10);
    expect(resume(paused, 500)).toEqual(newDelivery('msg_1', 500));
  });

  test('does not let a message go out twice at once: it waits for the attempt that was under way', () => {
    const leased = mustLease(newDelivery('msg_1', 0), 'a', 0);
    const resumed = resume(pause(leased, 'Paused.', 10), 20);
    expect(lease(resumed, 'b', LEASE_MS - 1, LEASE_MS)).toBeUndefined();
    expect(lease(resumed, 'b', LEASE_MS, LEASE_MS)).toMatchObject({ attempts: 1 });
  });

  test('does nothing to what is delivered; what is not paused is not resumed', () => {
    const delivered = attempt(newDelivery('msg_1', 0), 0, DELIVERED);
    expect(pause(delivered, 'Paused.', 10)).toBe(delivered);
    expect(resume(delivered, 10)).toBe(delivered);
  });

  test('and a result from before it says nothing about the attempt after it', () => {
    const old = mustLease(newDelivery('msg_1', 0), 'a', 0);
    const again = mustLease(resume(pause(old, 'Paused.', 1), 2), 'a', LEASE_MS);
    expect(settle(again, old, DELIVERED, { nowMs: 4, random: 0 })).toBeUndefined();
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
  ] as const)('"%s" is read', ([header, expected]) => {
    expect(readRetryAfter(header, nowMs)).toBe(expected);
  });
});

/** One record, written by compare and set, as a database does; and every request that went out. */
class World {
  nowMs = 0;
  record: WebhookDelivery = newDelivery('msg_1', 0);
  readonly requests: { readonly fromMs: number; readonly toMs: number }[] = [];

  swap(read: WebhookDelivery, next: WebhookDelivery | undefined): boolean {
    if (next === undefined || this.record !== read) return false;
    this.record = next;
    return true;
  }
}

/** A node that sees the record late, is slow, fails, and sometimes dies while it sends. */
class Node {
  readonly #id: string;
  #read: WebhookDelivery | undefined;
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
    const leased = lease(read, this.#id, world.nowMs, LEASE_MS);
    if (!world.swap(read, leased) || leased === undefined) return;
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
    const { record } = world;
    const settled = settle(record, work.leased, result, {
      nowMs: world.nowMs,
      random: random.next(),
    });
    world.swap(record, settled);
  }
}

test.for(Array.from({ length: 40 }, (_, i) => i + 1))(
  'among nodes that die it is never sent twice at once, and comes to an end (seed %i)',
  (seed) => {
    const random = new Random(seed);
    const world = new World();
    const nodes = ['a', 'b', 'c'].map((id) => new Node(id));
    let resumed = 0;
    const isOpen = () => ['pending', 'sending'].includes(world.record.state);
    for (let step = 0; step < 200_000 && isOpen(); step += 1) {
      world.nowMs += random.below(20_000);
      if (random.chance(0.001)) {
        world.record = resume(pause(world.record, 'Paused.', world.nowMs), world.nowMs);
        resumed += 1;
      }
      random.pick(nodes).step(world, random);
    }
    expect(['delivered', 'paused']).toContain(world.record.state);
    if (resumed === 0) expect(world.record.attempts).toBe(world.requests.length);
    const overlapping = world.requests.filter(({ fromMs }, i) => {
      const before = world.requests[i - 1];
      return before !== undefined && fromMs < before.toMs;
    });
    expect(overlapping).toEqual([]);
  },
);
