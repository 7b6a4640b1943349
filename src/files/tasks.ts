import type { CatalogueStaging } from '../store/staging.ts';
import type { WorkerPool } from '../workers/pool.ts';
import type { Task } from '../workers/serve.ts';
import { effectsTask, type EffectsTarget, type FileEffects } from './effects-task.ts';
import {
  importFileTask,
  type Imported,
  type ImportHost,
  type ImportTarget,
} from './import-task.ts';
import type { FileTarget, LineFormatter } from './job-file.ts';
import { previewTask, type FilePreview, type PreviewTarget } from './preview-task.ts';
import { readFileTask, type FoundInFile, type ReadHost } from './read-task.ts';
import {
  acknowledgeTask,
  printResultsTask,
  type PrintHost,
  type PrintTarget,
} from './results-task.ts';
import type { ResultsHost } from './row-results.ts';
import { printTableTask, type TableHost, type TableTarget } from './table-task.ts';

/** What worker threads do with files. */
export interface FileTasks {
  readonly readFile: Task<FileTarget, ReadHost, FoundInFile>;
  readonly importFile: Task<ImportTarget, ImportHost, Imported>;
  readonly printResults: Task<PrintTarget, PrintHost, void>;
  readonly printTable: Task<TableTarget, TableHost, void>;
  readonly effects: Task<EffectsTarget, ResultsHost, FileEffects>;
  readonly preview: Task<PreviewTarget, object, FilePreview>;
  readonly acknowledge: Task<FileTarget, object, string>;
}

/** The pools of a server: a download may wait for its client, and applying files must not wait for that. */
export interface FileWorkers {
  readonly readers: WorkerPool<FileTasks>;
  readonly printers: WorkerPool<FileTasks>;
}

/** The tasks, for the program of a worker thread. */
export function fileTasks(
  formatter: LineFormatter,
  openStaging: () => Promise<CatalogueStaging>,
): FileTasks {
  return {
    readFile: (target, host, context) => readFileTask(formatter, target, host, context),
    importFile: (target, host, context) => importFileTask(openStaging, target, host, context),
    printResults: (target, host, context) => printResultsTask(formatter, target, host, context),
    printTable: printTableTask,
    effects: (target, host, context) => effectsTask(formatter, target, host, context),
    preview: (target, _host, context) => previewTask(formatter, target, context),
    acknowledge: (target, _host, context) => acknowledgeTask(formatter, target, context),
  };
}
