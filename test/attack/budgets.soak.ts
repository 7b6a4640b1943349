import { defineBudgetAttacks } from './budget-attacks.ts';

/** The attacks of issue 14 at full size, with the default limits. */
defineBudgetAttacks({
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
});
