/** Imports a catalogue in a worker thread, which stages its rows. The main thread applies them. */
import type { Store } from '../store/store.ts';
import type { CatalogueStaging } from '../store/staging.ts';
import { writeXlsx } from '../formats/xlsx/writer.ts';
import {
  importCatalogue,
  printImportReport,
  reportRows,
  type ImportSummary,
} from '../intake/catalogue-import.ts';
import type { TaskContext } from '../workers/serve.ts';
import { FileBytes, type FileTarget } from './job-file.ts';
import { FileStorage } from './storage.ts';

/** A catalogue and the folder of its report. */
export interface ImportTarget extends FileTarget {
  readonly directory: string;
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

/** Imports the file as a catalogue; the report of the import becomes the results of the job. */
export async function importFileTask(
  openStaging: () => Promise<CatalogueStaging>,
  { job, path, directory, formatLimits }: ImportTarget,
  host: ImportHost,
  { signal, progress }: TaskContext,
): Promise<Imported> {
  const { asked, supplierId, userId } = job;
  const files = new FileStorage(directory);
  const staging = await openStaging();
  try {
    const store = {
      applyCatalogue: (batch: Applied) => host.applyCatalogue(batch),
      sharedGtins: (_supplierId: number, afterGtin: number, limit: number) =>
        host.sharedGtins({ afterGtin, limit }),
    };
    const summary = await importCatalogue(store, staging, {
      file: new FileBytes(path, progress),
      path,
      rules: asked.rules,
      limits: formatLimits,
      supplierId,
      userId,
      source: 'file',
      signal,
    });
    // A long report takes a while to print; the task is not stalled meanwhile.
    const complaints: Pick<CatalogueStaging, 'complaintsFrom'> = {
      complaintsFrom: (start, limit) => {
        progress();
        return staging.complaintsFrom(start, limit);
      },
    };
    const report = await files.write(job, printImportReport(complaints), { kind: 'report' });
    const rows = writeXlsx(reportRows(complaints));
    const workbook = await files.write(job, rows, { kind: 'workbook' });
    return { summary, reportBytes: report.bytes + workbook.bytes };
  } finally {
    staging.close();
  }
}
