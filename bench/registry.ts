import { changeRows, followerRows } from './change-rows.ts';
import { neighbourRows, overloadRows, sizeRows, supplierRows } from './concurrency-rows.ts';
import { fileRows } from './file-rows.ts';
import { formatRows } from './format-rows.ts';
import { postgresRows } from './postgres-rows.ts';
import { postgresSizeRows } from './postgres-size.ts';
import { bulkRows, singleRows, unchangedRows } from './rows.ts';
import { safeRows } from './safe-rows.ts';
import { streamRows } from './stream-rows.ts';
import type { BenchRow } from './stage.ts';

/** The measurements of `npm run bench` without options, by the names for `--only`. */
export const MAIN_ROWS: Readonly<Record<string, BenchRow>> = {
  bulk: bulkRows,
  single: singleRows,
};
export const ALL_ROWS: Readonly<Record<string, BenchRow>> = {
  ...MAIN_ROWS,
  unchanged: unchangedRows,
  safe: safeRows,
  stream: streamRows,
  formats: formatRows,
  files: fileRows,
  suppliers: supplierRows,
  neighbours: neighbourRows,
  overload: overloadRows,
  changes: changeRows,
  followers: followerRows,
  postgres: postgresRows,
  'postgres-10m': postgresSizeRows(10_000_000),
  'size-1m': sizeRows(1_000_000),
  'size-10m': sizeRows(10_000_000),
};
