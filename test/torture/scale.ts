import type { Replacement } from './replacement.ts';

function constant(file: string, name: string, from: string, to: string): Replacement {
  return { file: `src/${file}`, from: `const ${name} = ${from};`, to: `const ${name} = ${to};` };
}

/**
 * Sizes that the torture makes small: blocks, slices, pages and messages of a few SKUs, and a log that is copied every
 * few commits.
 */
export const SCALE: readonly Replacement[] = [
  constant('store/sqlite/recent/recent-inventory.ts', 'BLOCK_KEYS', '1024', '4'),
  constant('store/sqlite/recent/sweep.ts', 'CHANGES_PER_BLOCK', '512', '2'),
  constant('store/sqlite/recent/sweep.ts', 'PASS_CHANGES_MIN', '200_000', '20'),
  constant('store/sqlite/recent/inventory-view.ts', 'MARKS', '1 << 21', '1 << 5'),
  constant('store/sqlite/recent/feed.ts', 'MESSAGE_SKUS', '2000', '3'),
  constant('store/sqlite/recent/feed.ts', 'COLLECTED_SKUS_MAX', '50_000', '2'),
  constant('store/sqlite/write/writer-thread.ts', 'SLICE_ROWS', '4000', '3'),
  constant('store/sqlite/write/writer-thread.ts', 'THOROUGH_PROBE_BYTES', '1 << 20', '1 << 14'),
  constant('store/sqlite/write/revert.ts', 'READ_TOGETHER', '2000', '2'),
  constant('store/sqlite/write/apply.ts', 'ZEROED_PER_STEP', '5000', '2'),
  constant('store/sqlite/write/inventory-cache.ts', 'STEP_ROWS', '2000', '3'),
  constant('store/sqlite/write/checkpointer-thread.ts', 'LOG_PAGES_LONG', '80_000', '20'),
  constant('store/sqlite/write/checkpointer-thread.ts', 'LAST_PAGES_MAX', '4000', '4'),
  constant('domain/steps.ts', 'PAUSE_EVERY', '1000', '2'),
];
