import { describeChanges } from './changes.ts';
import { describeStoreContract } from './contract.ts';
import { reusedPostgresDatabase } from './postgres-database.ts';
import { describeSafeWrites } from './safe-writes.ts';

describeStoreContract('partitioned PostgreSQL', () => reusedPostgresDatabase(8));
describeSafeWrites('partitioned PostgreSQL', () => reusedPostgresDatabase(8));
describeChanges('partitioned PostgreSQL', () => reusedPostgresDatabase(8));
