import { describeContract } from '../contract/contract.ts';
import { describeFollowers } from '../followers.ts';
import { reusedPostgresDatabase } from './database.ts';

describeContract('PostgreSQL', () => reusedPostgresDatabase());
describeFollowers('PostgreSQL', () => reusedPostgresDatabase(), 3);
