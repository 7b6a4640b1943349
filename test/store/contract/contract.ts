import type { TestDatabase } from '../fixtures.ts';
import { describeAccounts } from './accounts.contract.ts';
import { describeBatches } from './batches.contract.ts';
import { describeCatalogues } from './catalogues.contract.ts';
import { describeChanges } from './changes.contract.ts';
import { describeInventory } from './inventory.contract.ts';
import { describeProducts } from './products.contract.ts';
import { describeRetirement } from './retirement.contract.ts';
import { describeSafeWrites } from './safe-writes.contract.ts';
import { describeSnapshots } from './snapshots.contract.ts';
import { describeSortedSkus } from './sorted-skus.contract.ts';
import { describeWebhooks } from './webhooks.contract.ts';

/** The contract of `src/store/store.ts`, run for each implementation. */
export function describeContract(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describeAccounts(kind, createDatabase);
  describeBatches(kind, createDatabase);
  describeCatalogues(kind, createDatabase);
  describeChanges(kind, createDatabase);
  describeInventory(kind, createDatabase);
  describeProducts(kind, createDatabase);
  describeRetirement(kind, createDatabase);
  describeSafeWrites(kind, createDatabase);
  describeSnapshots(kind, createDatabase);
  describeSortedSkus(kind, createDatabase);
  describeWebhooks(kind, createDatabase);
}
