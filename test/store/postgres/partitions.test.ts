import { describeChanges } from '../contract/changes.contract.ts';
import { describeStoreContract } from '../contract/store.contract.ts';
import { reusedPostgresDatabase } from './database.ts';
import { describeSafeWrites } from '../contract/safe-writes.contract.ts';

describeStoreContract('partitioned PostgreSQL', () => reusedPostgresDatabase(8));
describeSafeWrites('partitioned PostgreSQL', () => reusedPostgresDatabase(8));
describeChanges('partitioned PostgreSQL', () => reusedPostgresDatabase(8));
