import type { AttackSizes } from './budget-attacks.ts';

const MIB = 1024 * 1024;

/** The attacks at a scale that takes seconds. `budgets.soak.ts` has them at full size. */
export const SMALL_SIZES: AttackSizes = {
  uploads: 20,
  slowBodies: 40,
  followers: 60,
  downloads: 60,
  pages: 60,
  rows: 4000,
  changesPerPage: 5000,
  environment: {
    ONHAND_OPEN_REQUESTS_MAX: '64',
    ONHAND_ORGANIZATION_OPEN_REQUESTS_MAX: '32',
    ONHAND_FOLLOWERS_MAX: '64',
    ONHAND_ORGANIZATION_FOLLOWERS_MAX: '32',
    ONHAND_UPLOADS_MAX: '16',
    ONHAND_ORGANIZATION_UPLOADS_MAX: '8',
    ONHAND_OPEN_BYTES_MAX: String(32 * MIB),
    ONHAND_ORGANIZATION_OPEN_BYTES_MAX: String(16 * MIB),
    ONHAND_REQUEST_BYTES_MAX: String(8 * MIB),
    ONHAND_SLOW_PEER_GRACE_MS: '1000',
  },
  limits: { openRequests: 32, followers: 32, uploads: 8 },
  growthMibMax: 400,
  // Generous, for machines that run other tests. The long attacks measure.
  p99MsMax: 2000,
  timeoutMs: 180_000,
};
