import { describeChanges } from './changes.ts';
import { describeStoreContract } from './contract.ts';
import { describeFollowers } from './followers.ts';
import { reusedPostgresDatabase } from './postgres-database.ts';
import { describeSafeWrites } from './safe-writes.ts';

describeStoreContract('PostgreSQL', () => reusedPostgresDatabase());
describeSafeWrites('PostgreSQL', () => reusedPostgresDatabase());
describeChanges('PostgreSQL', () => reusedPostgresDatabase());
describeFollowers('PostgreSQL', () => reusedPostgresDatabase(), 3);
