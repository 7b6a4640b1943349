import { describeChanges } from '../contract/changes.contract.ts';
import { describeProducts } from '../contract/products.contract.ts';
import { describeRetirement } from '../contract/retirement.contract.ts';
import { describeStoreContract } from '../contract/store.contract.ts';
import { describeWebhookContract } from '../contract/webhooks.contract.ts';
import { sqliteDatabase, sweptDatabase } from '../fixtures.ts';
import { describeFollowers } from '../followers.ts';
import { describeSafeWrites } from '../contract/safe-writes.contract.ts';

describeStoreContract('SQLite', sqliteDatabase);
describeWebhookContract('SQLite', sqliteDatabase);
describeSafeWrites('SQLite', sqliteDatabase);
describeChanges('SQLite', sqliteDatabase);
describeProducts('SQLite', sqliteDatabase);
describeRetirement('SQLite', sqliteDatabase);
describeFollowers('SQLite', sqliteDatabase, 1);

describeStoreContract('SQLite, swept', sweptDatabase);
describeSafeWrites('SQLite, swept', sweptDatabase);
describeChanges('SQLite, swept', sweptDatabase);
describeRetirement('SQLite, swept', sweptDatabase);
