import { open, realpath, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { openStaging, openStore } from '../../databases.ts';
import type { Complaint } from '../../domain/catalogue.ts';
import { OnhandError } from '../../domain/errors.ts';
import { NO_RULES, parseRules, RULE_NAMES, type ReadingRules } from '../../domain/reading-rules.ts';
import type { Organization } from '../../domain/parties.ts';
import {
  firstComplaints,
  decimalOfCatalogue,
  importCatalogue,
  printImportReport,
  type ImportSummary,
} from '../../intake/catalogue-import.ts';
import type { CatalogueStaging } from '../../store/staging.ts';
import type { Store } from '../../store/store.ts';
import { requireDatabase, requireOrganization } from '../admin/accounts.ts';
import { onStopSignal, type CommandContext } from '../context.ts';
import { ruleParameters, type ReadingOptions } from '../push/reading-options.ts';
import { ProgressBar } from '../progress.ts';

export interface ImportOptions extends Pick<
  ReadingOptions,
  'decimal' | 'dates' | 'words' | 'negative'
> {
  readonly supplier: string;
  readonly map?: readonly string[];
  readonly report?: string;
  readonly database: string;
}

/** An import scans the database's pages once, so a larger cache gains little. */
const CACHE_BYTES_MAX = 32 * 1024 * 1024;

/** Imports a catalogue, prints a summary and sets the exit code. */
export async function runImport(
  context: CommandContext,
  path: string,
  options: ImportOptions,
): Promise<void> {
  // Rows are short-lived garbage: without this the heap grows by 100 MB for 10 % more speed.
  setFlagsFromString('--optimize-for-size');
  const settings = context.settings();
  const cacheBytesMax = Math.min(settings.cacheBytesMax, CACHE_BYTES_MAX);
  const file = await openForReading(path);
  try {
    requireDatabase(options.database);
    const store = await openStore(options.database, { ...settings, cacheBytesMax });
    try {
      const supplier = await requireOrganization(store.accounts, options.supplier, 'supplier');
      // Opened before the file is read, so that a bad path fails at once.
      const report = await openReport(options.report, path);
      try {
        await importFile(context, store, supplier, { file, path }, report, options);
      } finally {
        await report?.close();
      }
    } finally {
      await store.close();
    }
  } finally {
    await file.close();
  }
}

async function importFile(
  context: CommandContext,
  store: Store,
  supplier: Organization,
  { file, path }: { readonly file: FileHandle; readonly path: string },
  report: FileHandle | undefined,
  options: ImportOptions,
): Promise<void> {
  const startedMs = performance.now();
  const bar = new ProgressBar(context);
  const { size } = await file.stat();
  const stop = new AbortController();
  const release = onStopSignal(() => {
    stop.abort();
    bar.stop();
    context.note('onhand: stopping after the current chunk');
  });
  const rules = await decidedRules(context, file, path, options);
  const staging = await openStaging();
  try {
    const summary = await importCatalogue(store, staging, {
      file: readFrom(file),
      path,
      rules,
      limits: context.settings().formatLimits,
      supplierId: supplier.id,
      userId: null,
      signal: stop.signal,
      onProgress: (progress) =>
        progress.phase === 'reading'
          ? bar.show('reading', progress.bytes, size)
          : bar.show('applying', progress.applied, progress.total),
    });
    await store.imported(summary.skusCreated);
    bar.stop();
    printSummary(context, summary, supplier.name, (performance.now() - startedMs) / 1000);
    printComplaints(context, summary, staging, options.report);
    if (summary.isStopped) context.exitCode = 1;
  } finally {
    bar.stop();
    release();
    if (report !== undefined)
      for (const text of printImportReport(staging)) await report.write(text);
    staging.close();
  }
}

/**
 * The rules of the options, with the decimal mark that the whole file shows. Rejects with `ambiguous_decimal` if it
 * does not show one that it needs. What is not a regular file can be read only once, so it is not inspected: its
 * numbers with two readings are rejected with their rows.
 */
async function decidedRules(
  context: CommandContext,
  file: FileHandle,
  path: string,
  { map = [], ...options }: ImportOptions,
): Promise<ReadingRules> {
  const parameters = ruleParameters({ ...options, map: map.join(',') });
  const rules: ReadingRules = {
    ...NO_RULES,
    ...parseRules(
      RULE_NAMES.flatMap((name) => {
        const text = parameters[name];
        return text === undefined ? [] : [[name, text] as const];
      }),
    ),
  };
  if (rules.decimal !== null || !(await file.stat()).isFile()) return rules;
  const source = { bytes: readFrom(file), path };
  const decimal = await decimalOfCatalogue(
    source,
    rules,
    context.settings().formatLimits,
    '--decimal ',
  );
  return { ...rules, decimal };
}

function readFrom(file: FileHandle): AsyncIterable<Uint8Array> {
  return file.createReadStream({ autoClose: false, start: 0 });
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r');
    if (!(await file.stat()).isDirectory()) return file;
    await file.close();
  } catch (error) {
    throw new OnhandError(
      'parameter_invalid',
      `The file ${path} cannot be read: ${messageOf(error)}`,
    );
  }
  throw new OnhandError('parameter_invalid', `${path} is a directory; name a file.`);
}

async function openReport(
  path: string | undefined,
  importedPath: string,
): Promise<FileHandle | undefined> {
  if (path === undefined) return undefined;
  if ((await realPathOf(path)) === (await realPathOf(importedPath))) {
    throw new OnhandError(
      'parameter_invalid',
      'The report would overwrite the imported file; name another file with --report.',
    );
  }
  try {
    return await open(path, 'w');
  } catch (error) {
    throw new OnhandError(
      'parameter_invalid',
      `The report ${path} cannot be written: ${messageOf(error)}`,
    );
  }
}

async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    // It does not exist yet.
    return resolve(path);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How many complaints are printed if no report was requested. */
const COMPLAINTS_SHOWN_MAX = 5;

const LABEL_WIDTH = 16;
const COUNT_WIDTH = 10;

function printSummary(
  context: CommandContext,
  summary: ImportSummary,
  supplier: string,
  seconds: number,
): void {
  context.print(headline(summary, supplier));
  const counts: readonly (readonly [string, number])[] = [
    ['rows read', summary.rowsRead],
    ['SKUs created', summary.skusCreated],
    ['SKUs updated', summary.skusUpdated],
    ['SKUs unchanged', summary.skusUnchanged],
    ['rows rejected', summary.rowsRejected],
    ['rows doubtful', summary.rowsDoubtful],
  ];
  for (const [label, count] of counts) {
    context.print(`  ${label.padEnd(LABEL_WIDTH)}${String(count).padStart(COUNT_WIDTH)}`);
  }
  if (summary.unknownColumns.length > 0)
    context.print(
      `  ${'columns ignored'.padEnd(LABEL_WIDTH)} ${summary.unknownColumns.join(', ')}`,
    );
  context.print(
    `  ${'time'.padEnd(LABEL_WIDTH)} ${seconds.toFixed(1)} s, ${Math.round(summary.rowsRead / seconds)} rows/s`,
  );
}

function headline(
  { isStopped, skusLeft, skusCreated, skusUpdated, skusUnchanged }: ImportSummary,
  supplier: string,
): string {
  if (!isStopped) return `Imported the catalogue of "${supplier}".`;
  const applied = skusCreated + skusUpdated + skusUnchanged;
  if (applied === 0) return 'Stopped: nothing was applied.';
  return `Stopped: ${applied} SKUs were applied, ${skusLeft} were not. Run the import again to apply them.`;
}

/** Prints where the report is, or the first complaints if there is none. */
function printComplaints(
  context: CommandContext,
  summary: ImportSummary,
  staging: CatalogueStaging,
  reportPath: string | undefined,
): void {
  if (reportPath !== undefined) {
    context.print(`  ${'report'.padEnd(LABEL_WIDTH)} ${reportPath}`);
    return;
  }
  if (summary.rowsRejected + summary.rowsDoubtful === 0) return;
  context.print('The first complaints (write all of them with --report FILE.csv):');
  for (const complaint of firstComplaints(staging, COMPLAINTS_SHOWN_MAX))
    context.print(`  ${complaintText(complaint)}`);
}

function complaintText({ row, column, value, reason, kind }: Complaint): string {
  const where = column === '' ? '' : ` ${column} ${JSON.stringify(value)}`;
  return `row ${row} ${kind}:${where} ${reason}`;
}
