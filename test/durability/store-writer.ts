/** A process with a store that writes until it is killed; see `StoreKills`. */
import { Random } from '../random.ts';
import { applyOne, batchOf, openTestStore } from '../store/fixtures.ts';
import type { WriterMessage, WriterTask, WrittenBatch } from './store-kill.ts';

const SUPPLIER_ID = 1;

async function write({ url, settings, skus, seed, value: firstValue }: WriterTask): Promise<void> {
  const store = await openTestStore({ url, settings, remove: () => Promise.resolve() });
  const random = new Random(seed);
  for (let value = firstValue; ; value += 1) {
    const first = random.below(skus);
    const batch: WrittenBatch = { first, count: 1 + random.below(skus - first), value };
    say({ begins: batch });
    const lines = Array.from({ length: batch.count }, (_, i) => ({
      skuId: `S${batch.first + i}`,
      fields: { quantityInStock: value },
    }));
    await applyOne(store, batchOf(SUPPLIER_ID, lines));
    say({ isCommitted: true });
  }
}

function say(message: WriterMessage): void {
  process.send?.(message);
}

process.once('message', (task: WriterTask) => void write(task));
