import type { FailedLine } from '../domain/batches.ts';
import type { FileOptions, FileRecord } from '../domain/files.ts';
import type { Inventory } from '../domain/inventory.ts';
import { FORMAT_LIMITS } from '../formats/format.ts';
import type { JsonLineReader } from '../formats/json.ts';
import {
  checkComplete,
  openStockFile,
  type FileDescription,
  type FileReadOptions,
  type StockFile,
} from '../formats/stock-file.ts';
import { COLUMN_TARGETS } from '../formats/table/aliases.ts';
import type { ColumnMapping } from '../formats/table/columns.ts';
import type { FileStorage } from './storage.ts';

/** Reads and prints lines as the API does. */
export interface LineFormatter {
  /** A reader for the lines of one JSON file. */
  newJsonLineReader(nowMs: number): JsonLineReader;
  /** The message of a line that failed. */
  printFailure(failure: FailedLine): string;
  /** What a line would change, for a dry run. */
  printWouldChange(before: Inventory, after: Inventory): string;
}

interface JobFileParts {
  readonly files: FileStorage;
  readonly formatter: LineFormatter;
}

/** Opens the file of a job as its sender asked. `bytes` is the whole content and is read once. */
export function openJobFile(
  { files, formatter }: JobFileParts,
  job: FileRecord,
  bytes: AsyncIterable<Uint8Array> = files.read(job),
): Promise<StockFile> {
  const source = { bytes, path: files.pathOf(job) };
  return openStockFile(source, readOptionsOf(formatter, job));
}

/** Rejects if the file is incomplete, as far as that can be known before its rows are read. */
export function checkJobFile(
  { files, formatter }: JobFileParts,
  job: FileRecord,
  description: FileDescription,
  signal: AbortSignal,
): Promise<void> {
  const file = { path: files.pathOf(job), read: () => files.read(job) };
  return checkComplete(description, file, readOptionsOf(formatter, job), signal);
}

function readOptionsOf(
  formatter: LineFormatter,
  { asked, uploadedAtMs }: FileRecord,
): FileReadOptions {
  return {
    mappings: columnMappingsOf(asked.mappings),
    limits: FORMAT_LIMITS,
    readJsonLine: formatter.newJsonLineReader(uploadedAtMs),
  };
}

/** A supplier's saved mappings. They are optional, since not every file has all of these columns. */
export function columnMappingsOf(mappings: FileOptions['mappings']): readonly ColumnMapping[] {
  return mappings.flatMap(({ header, target: name }) => {
    const target = COLUMN_TARGETS.find((known) => known === name);
    return target === undefined ? [] : [{ header, target, isOptional: true }];
  });
}
