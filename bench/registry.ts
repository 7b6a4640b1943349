import { changeRows, followerRows } from './change-rows.ts';
import { clientRows } from './client-rows.ts';
import { neighbourRows, overloadRows, supplierRows } from './concurrency-rows.ts';
import { fileRows } from './file-rows.ts';
import { formatRows } from './format-rows.ts';
import { metricsRows } from './metrics-rows.ts';
import { postgresRows } from './postgres-rows.ts';
import { postgresSizeRows } from './postgres-size.ts';
import { bulkRows, singleRows, unchangedRows } from './rows.ts';
import { safeRows } from './safe-rows.ts';
import { sizeRows, sustainedRows } from './size-rows.ts';
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
  metrics: metricsRows,
  stream: streamRows,
  clients: clientRows,
  formats: formatRows,
  files: fileRows,
  suppliers: supplierRows,
  neighbours: neighbourRows,
  overload: overloadRows,
  changes: changeRows,
  followers: followerRows,
  postgres: postgresRows,
  'postgres-10m': postgresSizeRows(10_000_000),
  'size-1m': sizeRows({ skuCount: 1_000_000, atLeast: 0.7, openingMs: 3000 }),
  'size-10m': sizeRows({ skuCount: 10_000_000, atLeast: 0.6, openingMs: 6000 }),
};

/** The measurements of `--sustained`. */
export const SUSTAINED_ROWS: Readonly<Record<string, BenchRow>> = {
  'sustained-1m': sustainedRows(1_000_000),
  'sustained-10m': sustainedRows(10_000_000),
};
