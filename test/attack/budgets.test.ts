import { defineBudgetAttacks } from './budget-attacks.ts';
import { SMALL_SIZES } from './small-sizes.ts';

defineBudgetAttacks(SMALL_SIZES);
