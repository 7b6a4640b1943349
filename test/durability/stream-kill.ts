import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { StreamClient } from '../http/streams/stream-client.ts';
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

const SKUS = 100;
const ROWS_AT_ONCE = 500;
const CUT_WITHIN_MS = 200;
const SUCCESS = { status_code: 200, message: 'success' };

/** A database with a supplier, its SKUs and a token, whose streams are cut off repeatedly. */
export interface StreamTarget {
  readonly database: TestDatabase;
  readonly supplierId: number;
  readonly token: string;
  /** Lines of all rounds so far: line *k* sets SKU *k* mod 100 to *k* + 1. */
  appliedLines: number;
}

export async function prepareStreamTarget(database: TestDatabase): Promise<StreamTarget> {
  const store = await openTestStore(database);
  try {
    const supplierId = await createSupplier(store, 'Acme');
    const names = Array.from({ length: SKUS }, (_, i) => entry(`sku-${i}`));
    await importSkus(store, supplierId, names);
    const user = await store.accounts.findServiceUser(supplierId);
    const token = newToken();
    await store.accounts.createToken({
      userId: user.id,
      tokenHash: hashToken(token),
      permissions: ['view_items', 'edit_items'],
      expiresAtMs: null,
    });
    return { database, supplierId, token, appliedLines: 0 };
  } finally {
    await store.close();
  }
}

/**
 * One round: a stream is cut off at a random moment, by the death of its connection or of the server; then
 * whole chunks are applied: those that were answered, and perhaps more. Returns the number of answered lines.
 */
export async function streamKillRound(target: StreamTarget, random: Random): Promise<number> {
  const server = await ServerProcess.start(target.database);
  const stream = await StreamClient.open(server.url, { token: target.token });
  const state = { isCut: false };
  let sent = 0;
  const send = async (): Promise<void> => {
    while (!state.isCut) {
      const rows = rowsFrom(target.appliedLines + sent, 1 + random.below(ROWS_AT_ONCE));
      sent += rows.length;
      // Their last row may be cut short.
      await Promise.race([stream.send(rows), cut]);
      // On a lost connection a write ends at once, so other tasks need a turn to notice the loss.
      await nextTurn();
    }
  };
  const cutAfterMs = random.below(CUT_WITHIN_MS);
  const killsServer = random.chance(0.5);
  const cutOff = async (): Promise<void> => {
    expect(await stream.row()).toEqual(SUCCESS);
    await delay(cutAfterMs);
    if (killsServer) await server.kill();
    else await stream.destroy();
    state.isCut = true;
  };
  const cut = cutOff();
  await Promise.all([send(), cut]);
  const { rows, isWhole } = await stream.rest();
  expect(isWhole).toBe(false);
  expect(rows).toEqual(rows.map(() => SUCCESS));
  if (!killsServer) expect(await server.stop()).toBe(0);
  const answered = rows.length + 1;
  await expectWholeChunks(target, answered, sent);
  return answered;
}

function rowsFrom(first: number, count: number): readonly object[] {
  return Array.from({ length: count }, (_, i) => {
    return { sku_id: `sku-${(first + i) % SKUS}`, quantity_in_stock: first + i + 1 };
  });
}

async function expectWholeChunks(
  target: StreamTarget,
  answered: number,
  sent: number,
): Promise<void> {
  const { database, supplierId, appliedLines: before } = target;
  const store = await openTestStore(database);
  try {
    const page = await store.skus.list({
      supplierIds: [supplierId],
      filter: {},
      from: { start: 0 },
      limit: SKUS,
    });
    const held = new Map(page.skus.map((sku) => [sku.skuId, sku.inventory.quantityInStock]));
    const applied = Math.max(...[...held.values()].map(Number));
    expect(applied - before).toBeGreaterThanOrEqual(answered);
    expect(applied - before).toBeLessThanOrEqual(sent);
    for (let line = Math.max(0, applied - SKUS); line < applied; line += 1) {
      expect(held.get(`sku-${line % SKUS}`)).toBe(line + 1);
    }
    expect(await linesOfBatches(target)).toBe(applied);
    target.appliedLines = applied;
  } finally {
    await store.close();
  }
  expect(await problemsOf(database)).toEqual([]);
}

/** The number of lines in the batches of all rounds. */
async function linesOfBatches({ database, supplierId }: StreamTarget): Promise<number> {
  const store = await openTestStore(database);
  try {
    let lines = 0;
    for (let start = 0, hasMore = true; hasMore; start += 500) {
      const page = await store.batches.list(supplierId, { start, limit: 500 });
      for (const batch of page.batches) if (batch.source === 'stream') lines += batch.lineCount;
      ({ hasMore } = page);
    }
    return lines;
  } finally {
    await store.close();
  }
}
