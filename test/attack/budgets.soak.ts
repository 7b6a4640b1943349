import { describe } from 'vitest';
import { defineBudgetAttacks, type AttackSizes } from './budget-attacks.ts';

/** At full size, with the default limits. */
const FULL_SIZES: AttackSizes = {
  uploads: 1000,
  slowBodies: 1000,
  followers: 5000,
  downloads: 1005,
  pages: 600,
  rows: 20_000,
  changesPerPage: 10_000,
  environment: {},
  limits: { openRequests: 500, followers: 2000, uploads: 50 },
  growthMibMax: 800,
  p99MsMax: 1000,
  timeoutMs: 10 * 60_000,
};

describe('on SQLite', () => defineBudgetAttacks(FULL_SIZES));
describe('on two nodes with PostgreSQL', () =>
  defineBudgetAttacks({ ...FULL_SIZES, kind: 'postgres', nodes: 2 }));
