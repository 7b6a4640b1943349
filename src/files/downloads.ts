import type { Readable } from 'node:stream';
import type { Cell } from '../formats/xlsx/writer.ts';
import type { DiskQuota } from './disk-quota.ts';
import { SpoolBudget, SpooledDownload, type SpoolLimits } from './result-spool.ts';
import type { FileStorage } from './storage.ts';
import type { TableFormat } from './table-task.ts';
import type { FileWorkers } from './tasks.ts';

export interface Table {
  /** Whose limits the download is under. */
  readonly organizationId: number;
  readonly format: TableFormat;
  readonly header: readonly string[];
  /** The next rows; undefined after the last. */
  readonly nextRows: () => Promise<readonly (readonly Cell[])[] | undefined>;
}

interface DownloadParts {
  readonly files: Pick<FileStorage, 'openTemporary'>;
  readonly workers: FileWorkers;
  readonly settings: SpoolLimits;
  readonly quota: Pick<DiskQuota, 'wrote'>;
}

/** What a worker thread is given to print a download. */
interface Printing {
  readonly host: { readonly write: (bytes: Uint8Array) => Promise<void> };
  readonly signal: AbortSignal;
}

/** Downloads that worker threads print, within the budgets of their organizations. */
export class Downloads {
  readonly #parts: DownloadParts;
  readonly #budget: SpoolBudget;
  readonly #open = new Set<SpooledDownload>();

  constructor(parts: DownloadParts) {
    this.#parts = parts;
    this.#budget = new SpoolBudget(parts.settings);
  }

  /** The disk space that takes what was printed and is not read yet. */
  usage(): ReturnType<SpoolBudget['usage']> {
    return this.#budget.usage();
  }

  /** Ends all downloads, and begins no more. */
  stop(): void {
    this.#parts.workers.printers.close();
    for (const download of this.#open) download.destroy();
  }

  /**
   * Begins a download. It is printed whether or not it is read. Destroy the stream to stop the work early. Throws
   * `organization_budget_exceeded` or `overloaded` while too much is printed and not read.
   *
   * @param print resolves when all is printed
   */
  begin(organizationId: number, print: (printing: Printing) => Promise<void>): Readable {
    const { files, quota } = this.#parts;
    this.#budget.refuseFull(organizationId);
    const download = new SpooledDownload({
      organizationId,
      budget: this.#budget,
      openFile: () => files.openTemporary(),
      beforeWrite: (bytes) => quota.wrote(bytes),
    });
    this.#open.add(download);
    const stop = new AbortController();
    download.once('close', () => {
      stop.abort();
      this.#open.delete(download);
    });
    const host = { write: (bytes: Uint8Array) => download.spool(bytes) };
    print({ host, signal: stop.signal }).then(
      () => download.finish(),
      (error: unknown) =>
        download.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return download;
  }

  /** Prints a table while its rows are read. Throws as `begin` does. */
  printTable({ organizationId, format, header, nextRows }: Table): Readable {
    return this.begin(organizationId, ({ host, signal }) =>
      this.#parts.workers.printers.run(
        'printTable',
        { format, header },
        { organizationId, host: { ...host, nextRows }, signal },
      ),
    );
  }
}
