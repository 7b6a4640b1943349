import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ChangeFeed, type ChangeReader } from '../../src/changes/change-feed.ts';
import type { Store } from '../../src/store/store.ts';
import { Random } from '../random.ts';
import {
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  type TestDatabase,
} from './fixtures.ts';

const WRITERS = 10;
const BATCHES_OF_WRITER = 12;
const READERS = 4;
const SKUS = ['a', 'b', 'c', 'd'];

/**
 * The contract of following changes: while ten writers write, on as many nodes as the database allows, readers
 * that crash and resume from their last stored cursor see every change.
 */
export function describeFollowers(
  kind: string,
  createDatabase: () => Promise<TestDatabase>,
  nodeCount: number,
): void {
  describe(`followers of a ${kind} store`, () => {
    test.each([1, 2, 3])(
      'see every change in order in spite of crashes (seed %i)',
      async (seed) => {
        const database = await createDatabase();
        const nodes: Store[] = [];
        try {
          for (let i = 0; i < nodeCount; i += 1) nodes.push(await openTestStore(database));
          await followWhileWriting(nodes, seed);
        } finally {
          for (const node of nodes) await node.close();
          await database.remove();
        }
      },
    );
  });
}

async function followWhileWriting(nodes: readonly Store[], seed: number): Promise<void> {
  const random = new Random(seed);
  const node = (i: number): Store => {
    const store = nodes[i % nodes.length];
    if (store === undefined) throw new Error('there is no node');
    return store;
  };
  const supplierIds: number[] = [];
  for (const name of ['one', 'two', 'three']) {
    const id = await createSupplier(node(0), name);
    await importSkus(
      node(0),
      id,
      SKUS.map((skuId) => entry(skuId)),
    );
    supplierIds.push(id);
  }
  const reader: ChangeReader = {
    organizationId: 1,
    supplierIds: () => Promise.resolve(supplierIds),
  };
  const feeds = nodes.map((store) => new ChangeFeed(store.changes, store.accounts));
  const feedOf = (i: number): ChangeFeed => {
    const feed = feeds[i % feeds.length];
    if (feed === undefined) throw new Error('there is no feed');
    return feed;
  };
  let isWriting = true;
  const begun = await feedOf(0).begin(reader, 'now');
  const writing = Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let i = 0; i < BATCHES_OF_WRITER; i += 1) {
        const lines = SKUS.filter(() => random.chance(0.6)).map((skuId) => ({
          skuId,
          fields: { quantityInStock: random.below(1000) },
        }));
        await node(writer).apply([batchOf(random.pick(supplierIds), lines)]);
      }
    }),
  ).finally(() => {
    isWriting = false;
  });
  const reading = Array.from({ length: READERS }, async (_, i) => {
    const seen: string[] = [];
    let stored = { cursor: begun, seen: 0 };
    for (let round = 0; ; round += 1) {
      const isLast = !isWriting;
      const chunk = await feedOf(i + round).next(reader, stored.cursor, 1 + random.below(20));
      seen.length = stored.seen;
      for (const record of chunk.records) {
        if (record.kind !== 'change') throw new Error(`unexpected record: ${record.kind}`);
        seen.push(`${record.change.supplier.name} ${record.change.sequence}`);
      }
      // A reader that crashes here forgets what it saw, and resumes from its stored cursor.
      if (!random.chance(0.3)) stored = { cursor: chunk.position, seen: seen.length };
      if (isLast && !chunk.hasMore && stored.seen === seen.length) return seen;
      await nextTurn();
    }
  });
  await writing;
  const heads = await node(0).changes.heads(supplierIds);
  const expected = supplierIds.flatMap((id, i) => {
    const name = ['one', 'two', 'three'][i];
    return Array.from(
      { length: heads.get(id)?.lastSequence ?? 0 },
      (_, sequence) => `${name} ${sequence + 1}`,
    );
  });
  expect(expected.length).toBeGreaterThan(0);
  for (const seen of await Promise.all(reading)) {
    expect(seen.toSorted(bySupplierAndSequence)).toEqual(expected.toSorted(bySupplierAndSequence));
    for (const name of ['one', 'two', 'three']) {
      const ofSupplier = seen.filter((text) => text.startsWith(`${name} `));
      expect(ofSupplier).toEqual(ofSupplier.toSorted(bySupplierAndSequence));
    }
  }
  for (const feed of feeds) feed.close();
}

function bySupplierAndSequence(a: string, b: string): number {
  const [nameA = '', sequenceA = ''] = a.split(' ');
  const [nameB = '', sequenceB = ''] = b.split(' ');
  return nameA.localeCompare(nameB) || Number(sequenceA) - Number(sequenceB);
}
