import { describeStoreContract } from './contract.ts';
import { sqliteDatabase } from './fixtures.ts';

describeStoreContract('SQLite', sqliteDatabase);
