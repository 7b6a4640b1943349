import { describeChanges } from '../contract/changes.contract.ts';
import { describeProducts } from '../contract/products.contract.ts';
import { describeRetirement } from '../contract/retirement.contract.ts';
import { describeStoreContract } from '../contract/store.contract.ts';
import { describeWebhookContract } from '../contract/webhooks.contract.ts';
import { describeFollowers } from '../followers.ts';
import { reusedPostgresDatabase } from './database.ts';
import { describeSafeWrites } from '../contract/safe-writes.contract.ts';

describeStoreContract('PostgreSQL', () => reusedPostgresDatabase());
describeWebhookContract('PostgreSQL', () => reusedPostgresDatabase());
describeSafeWrites('PostgreSQL', () => reusedPostgresDatabase());
describeChanges('PostgreSQL', () => reusedPostgresDatabase());
describeProducts('PostgreSQL', () => reusedPostgresDatabase());
describeRetirement('PostgreSQL', () => reusedPostgresDatabase());
describeFollowers('PostgreSQL', () => reusedPostgresDatabase(), 3);
