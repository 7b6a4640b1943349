import { describeContract } from '../contract/contract.ts';
import { sqliteDatabase, sweptDatabase } from '../fixtures.ts';
import { describeFollowers } from '../followers.ts';

describeContract('SQLite', sqliteDatabase);
describeFollowers('SQLite', sqliteDatabase, 1);

describeContract('SQLite, swept', sweptDatabase);
