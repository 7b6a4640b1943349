import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import type { Random } from '../random.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  type TestDatabase,
} from '../store/fixtures.ts';
import { ServerProcess } from './server-process.ts';

const CLIENTS = 4;
const SKUS = 40;
const KILL_WITHIN_MS = 30;

interface KeyedRequest {
  readonly key: string;
  readonly skuIds: readonly string[];
}

/** A supplier whose stock is only added to, which shows what was applied twice or not at all. */
export interface CountingTarget {
  readonly database: TestDatabase;
  readonly supplierId: number;
  readonly token: string;
  /** The expected stock per SKU: the number of acknowledged requests that added one. */
  readonly counts: Map<string, number>;
  lastKey: number;
}

export async function prepareCountingTarget(
  database: TestDatabase,
  name = 'Counted',
): Promise<CountingTarget> {
  const store = await openTestStore(database);
  try {
    const supplierId = await createSupplier(store, name);
    const { id: userId } = await store.accounts.findServiceUser(supplierId);
    const token = newToken();
    await store.accounts.createToken({
      userId,
      tokenHash: hashToken(token),
      permissions: ['view_items', 'edit_items'],
      expiresAtMs: null,
    });
    const names = Array.from({ length: SKUS }, (_, i) => `counted-${i}`);
    const inventory = { quantityInStock: 0 };
    await importSkus(
      store,
      supplierId,
      names.map((name) => entry(name, { inventory })),
    );
    return {
      database,
      supplierId,
      token,
      counts: new Map(names.map((name) => [name, 0])),
      lastKey: 0,
    };
  } finally {
    await store.close();
  }
}

/**
 * One round: a server is killed while clients add to stock, each request with a key. Those that were not
 * answered are sent again, with their keys, to the server that comes after it. Then every request must
 * have been applied once. Returns the number of retries.
 */
export async function keyedKillRound(target: CountingTarget, random: Random): Promise<number> {
  const server = await ServerProcess.start(target.database);
  const unanswered: KeyedRequest[] = [];
  let killed: Promise<void> | undefined;
  let answered = 0;
  const answersBeforeKill = 1 + random.below(20);
  const kill = async (): Promise<void> => {
    await delay(random.below(KILL_WITHIN_MS));
    await server.kill();
  };
  const work = async (): Promise<void> => {
    for (;;) {
      const request = newRequest(target, random);
      if (!(await sendKeyed(server.url, target, request))) {
        unanswered.push(request);
        return;
      }
      answered += 1;
      if (answered >= answersBeforeKill) killed ??= kill();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
  await killed;
  const next = await ServerProcess.start(target.database);
  for (const request of unanswered) expect(await sendKeyed(next.url, target, request)).toBe(true);
  expect(await next.stop()).toBe(0);
  await expectCounted(target);
  return unanswered.length;
}

export function newRequest(target: CountingTarget, random: Random): KeyedRequest {
  target.lastKey += 1;
  const skuIds = [...target.counts.keys()].filter(() => random.chance(0.5));
  return { key: `key-${target.lastKey}`, skuIds: skuIds.length === 0 ? ['counted-0'] : skuIds };
}

/** Sends a request; counts it and returns true if it was applied. After a 503 it may or may not have been. */
export async function sendKeyed(
  url: string,
  { token, counts }: CountingTarget,
  { key, skuIds }: KeyedRequest,
): Promise<boolean> {
  const lines = skuIds.map((skuId) => ({ sku_id: skuId, quantity_in_stock_change: 1 }));
  // One line fails: a repeated reply must report it again.
  const body = JSON.stringify([...lines, { sku_id: 'missing', quantity_in_stock_change: 1 }]);
  try {
    const response = await fetch(`${url}/timp/products/skus/inventory/bulk/?errors_only=true`, {
      method: 'POST',
      headers: {
        Authorization: `Token ${token}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': key,
      },
      body,
    });
    const results: unknown = await response.json();
    if (response.status === 503) return false;
    expect(response.status).toBe(200);
    expect(results).toMatchObject([{ index: skuIds.length, status_code: 404 }]);
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
  for (const skuId of skuIds) counts.set(skuId, (counts.get(skuId) ?? 0) + 1);
  return true;
}

export async function expectCounted({
  database,
  supplierId,
  counts,
}: CountingTarget): Promise<void> {
  const store = await openTestStore(database);
  try {
    const query = { supplierIds: [supplierId], filter: {}, from: { start: 0 }, limit: 500 };
    const { skus } = await store.skus.list(query);
    expect(new Map(skus.map((sku) => [sku.skuId, sku.inventory.quantityInStock]))).toEqual(counts);
  } finally {
    await store.close();
  }
  expect(await problemsOf(database)).toEqual([]);
}
