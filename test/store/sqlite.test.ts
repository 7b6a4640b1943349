import { describeChanges } from './changes.ts';
import { describeStoreContract } from './contract.ts';
import { sqliteDatabase } from './fixtures.ts';
import { describeFollowers } from './followers.ts';
import { describeSafeWrites } from './safe-writes.ts';

describeStoreContract('SQLite', sqliteDatabase);
describeSafeWrites('SQLite', sqliteDatabase);
describeChanges('SQLite', sqliteDatabase);
describeFollowers('SQLite', sqliteDatabase, 1);
