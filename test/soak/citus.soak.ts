import { afterAll, describe } from 'vitest';
import { hasCitus } from '../durability/citus-cluster.ts';
import { describeContract } from '../store/contract/contract.ts';
import { describeFollowers } from '../store/followers.ts';
import { CitusDatabases } from '../store/postgres/citus-database.ts';

const databases = new CitusDatabases();
afterAll(() => databases.remove());

describe.runIf(hasCitus())('a database distributed by Citus', () => {
  const create = () => databases.create();
  describeContract('Citus', create);
  describeFollowers('Citus', create, 3);
});
