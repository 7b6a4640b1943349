import { describeContract } from '../contract/contract.ts';
import { reusedPostgresDatabase } from './database.ts';

describeContract('partitioned PostgreSQL', () => reusedPostgresDatabase(8));
