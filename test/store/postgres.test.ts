import { describeChanges } from './changes.ts';
import { describeStoreContract } from './contract.ts';
import { describeFollowers } from './followers.ts';
import { postgresDatabase } from './postgres-database.ts';
import { describeSafeWrites } from './safe-writes.ts';

describeStoreContract('PostgreSQL', () => postgresDatabase());
describeSafeWrites('PostgreSQL', () => postgresDatabase());
describeChanges('PostgreSQL', () => postgresDatabase());
describeFollowers('PostgreSQL', () => postgresDatabase(), 3);
