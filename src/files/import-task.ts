/** Imports a catalogue in a worker thread, which stages its rows. The main thread applies them. */
import type { DecimalMark } from '../domain/reading-rules.ts';
import type { Store } from '../store/store.ts';
import type { CatalogueStaging } from '../store/staging.ts';
import { writeXlsx } from '../formats/xlsx/writer.ts';
import { openCatalogue } from '../formats/table/catalogue.ts';
import { importCatalogue, type ImportSummary } from '../intake/catalogue-import.ts';
import type { TaskContext } from '../workers/serve.ts';
import { catalogueResults, RowOutcomes } from './catalogue-results.ts';
import { FileBytes, rulesOf, type FileTarget } from './job-file.ts';
import { printRows } from './results-task.ts';
import { FileStorage } from './storage.ts';

/** A catalogue and the folder of its report. */
export interface ImportTarget extends FileTarget {
  readonly directory: string;
  /** The decimal mark that its numbers show; null if they need none, or its rules name one. */
  readonly decimal: DecimalMark | null;
}

type Applied = Parameters<Store['applyCatalogue']>[0];
type SharedGtins = Awaited<ReturnType<Store['sharedGtins']>>;

/** What an import did, and the size of its reports. */
export interface Imported {
  readonly summary: ImportSummary;
  readonly reportBytes: number;
}

/** The main thread's part: the store. */
export interface ImportHost {
  applyCatalogue(asked: Applied): ReturnType<Store['applyCatalogue']>;
  sharedGtins(asked: { readonly afterGtin: number; readonly limit: number }): Promise<SharedGtins>;
}

/** Imports the file as a catalogue; and prints the result of each row. */
export async function importFileTask(
  openStaging: () => Promise<CatalogueStaging>,
  { job, path, directory, formatLimits, decimal }: ImportTarget,
  host: ImportHost,
  { signal, progress }: TaskContext,
): Promise<Imported> {
  const { asked, supplierId, userId } = job;
  const rules = { ...rulesOf(job), ...(decimal !== null && { decimal }) };
  const files = new FileStorage(directory);
  const staging = await openStaging();
  try {
    const store = {
      applyCatalogue: (batch: Applied) => host.applyCatalogue(batch),
      sharedGtins: (_supplierId: number, afterGtin: number, limit: number) =>
        host.sharedGtins({ afterGtin, limit }),
    };
    const outcomes = new RowOutcomes();
    const summary = await importCatalogue(store, staging, {
      file: new FileBytes(path, progress),
      path,
      rules,
      limits: formatLimits,
      supplierId,
      userId,
      source: 'file',
      signal,
      dryRun: asked.dryRun,
      onOutcome: (row, outcome) => outcomes.set(row, outcome),
    });
    // Long results take a while to print; the task is not stalled meanwhile.
    const complaints: Pick<CatalogueStaging, 'complaintsFrom'> = {
      complaintsFrom: (start, limit) => {
        progress();
        return staging.complaintsFrom(start, limit);
      },
    };
    const results = async function* (): AsyncGenerator<readonly string[]> {
      const source = { bytes: new FileBytes(path, progress), path };
      const catalogue = await openCatalogue(source, rules, formatLimits);
      try {
        yield* catalogueResults(catalogue, complaints, outcomes, asked.dryRun);
      } finally {
        await catalogue.close();
      }
    };
    const csv = asBytes(printRows(results()));
    const report = await files.write(job, csv, { kind: 'report' });
    const workbook = await files.write(job, writeXlsx(results()), { kind: 'workbook' });
    return { summary, reportBytes: report.bytes + workbook.bytes };
  } finally {
    staging.close();
  }
}

async function* asBytes(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield Buffer.from(text);
}
