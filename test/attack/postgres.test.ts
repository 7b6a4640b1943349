import { defineBudgetAttacks } from './budget-attacks.ts';
import { SMALL_SIZES } from './small-sizes.ts';

/** The same attacks on one of two nodes that share a PostgreSQL database, with fewer rows. */
defineBudgetAttacks({
  ...SMALL_SIZES,
  kind: 'postgres',
  nodes: 2,
  downloads: 20,
  pages: 20,
  rows: 1000,
  changesPerPage: 1000,
});
