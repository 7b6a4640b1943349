import { open, realpath, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import { readSettings } from '../../config.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Organization } from '../../domain/parties.ts';
import { importCatalogue, printImportReport } from '../../intake/catalogue-import.ts';
import { openStaging, openStore } from '../../databases.ts';
import type { Store } from '../../store/store.ts';
import { requireOrganization } from '../admin/accounts.ts';
import { databaseOption } from '../options.ts';
import { printComplaints, printSummary } from './import-summary.ts';
import { printNote } from '../output.ts';
import { ProgressBar } from '../progress.ts';

interface ImportOptions {
  readonly supplier: string;
  readonly map?: readonly string[];
  readonly report?: string;
  readonly database: string;
}

export function importCommand(): Command {
  return new Command('import')
    .summary('load or refresh a catalogue from a CSV file or an Excel workbook')
    .description(
      'Loads a catalogue from a CSV file or an Excel workbook (.xlsx) with a header: SKUs that are new are created, ' +
        'others refreshed by what the file gives; a column or cell that is not there changes nothing. ' +
        'The file is read to its end before anything is applied. Running it again changes nothing.\n\n' +
        'Columns: sku_id (needed), item_id, title, condition, restrictions, quantity_in_stock, ' +
        'quantity_on_backorder, backorder_date, number_of_units_bundled, upca, ean13, gtin14, isbn, ' +
        'asin, mpn; others are ignored. NULL in a cell is null.',
    )
    .argument('<file>', 'the CSV file or Excel workbook')
    .requiredOption('--supplier <name>', 'name of the supplier whose catalogue it is (required)')
    .option(
      '--map <header=column,...>',
      'read foreign headers as columns; "gtin" takes mixed codes and finds out what each is; one header may be read as two columns',
      (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value],
    )
    .option('--report <file>', 'write every rejected or doubtful row to this CSV file')
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  onhand import foods.csv --supplier "Acme Foods" --map barcode=gtin,code=sku_id --report complaints.csv\n' +
        '\nExits 0 when the file was read to its end and applied, else 1.',
    )
    .action(runImport);
}

/** InventoryCache for the database's pages: an import walks through them and gains little from more. */
const CACHE_BYTES_MAX = 32 * 1024 * 1024;

async function runImport(path: string, options: ImportOptions): Promise<void> {
  // Rows are short-lived garbage, for which the heaps would grow by 100 MB and gain 10 % in speed.
  setFlagsFromString('--optimize-for-size');
  const settings = readSettings();
  const cacheBytesMax = Math.min(settings.cacheBytesMax, CACHE_BYTES_MAX);
  const file = await openForReading(path);
  try {
    const store = await openStore(options.database, { ...settings, cacheBytesMax });
    try {
      const supplier = await requireOrganization(store.accounts, options.supplier, 'supplier');
      // Opened before anything is read: a million rows must not be read in vain.
      const report = await openReport(options.report, path);
      try {
        await importFile(store, supplier, { file, path }, report, options);
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
  store: Store,
  supplier: Organization,
  { file, path }: { readonly file: FileHandle; readonly path: string },
  report: FileHandle | undefined,
  options: ImportOptions,
): Promise<void> {
  const startedMs = performance.now();
  const bar = new ProgressBar();
  const { size } = await file.stat();
  const stop = stopOnSignals(() => bar.stop());
  const staging = openStaging();
  try {
    const summary = await importCatalogue(store, staging, {
      file: file.createReadStream({ autoClose: false }),
      path,
      columnMap: (options.map ?? []).join(','),
      supplierId: supplier.id,
      userId: null,
      signal: stop.signal,
      onProgress: (progress) =>
        progress.phase === 'reading'
          ? bar.show('reading', progress.bytes, size)
          : bar.show('applying', progress.applied, progress.total),
    });
    bar.stop();
    printSummary(summary, supplier.name, (performance.now() - startedMs) / 1000);
    printComplaints(summary, staging, options.report);
    if (summary.isStopped) process.exitCode = 1;
  } finally {
    bar.stop();
    stop.release();
    if (report !== undefined)
      for (const text of printImportReport(staging)) await report.write(text);
    staging.close();
  }
}

/** The first SIGINT or SIGTERM asks the import to stop; the next ends the process as usual. */
function stopOnSignals(beforeNote: () => void): {
  readonly signal: AbortSignal;
  readonly release: () => void;
} {
  const controller = new AbortController();
  const stop = (): void => {
    release();
    controller.abort();
    beforeNote();
    printNote('onhand: stopping after the piece that is being applied');
  };
  const release = (): void => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return { signal: controller.signal, release };
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
  throw new OnhandError('parameter_invalid', `${path} is a folder; name a file.`);
}

async function openReport(
  path: string | undefined,
  importedPath: string,
): Promise<FileHandle | undefined> {
  if (path === undefined) return undefined;
  if ((await realPathOf(path)) === (await realPathOf(importedPath))) {
    throw new OnhandError(
      'parameter_invalid',
      'The report would overwrite the file that is imported; name another.',
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
    // It is not there yet.
    return resolve(path);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
