import type {
  FileEffects,
  FilePage,
  FilePreview,
  FileRevert,
  FileUploaded,
  FileWithBatches,
  operations,
} from './api-types.ts';
import { type BatchNote, noteHeaders } from './inventory.ts';
import { OnhandError } from './problems.ts';
import {
  type CallOptions,
  failureOf,
  type Query,
  TIMEOUT_DEFAULT_MS,
  type Transport,
} from './transport.ts';
import { passedOn, Watchdog } from './watchdog.ts';

const FILES_PATH = '/timp/organizations/files/';
const WAIT_SECONDS = 30;
const UNFINISHED: ReadonlySet<string> = new Set(['waiting', 'reading']);
/** An upload whose progress cannot be seen may take this long. */
const UPLOAD_TIMEOUT_MS = 3_600_000;

/** How a file is read; see the parameters of an upload in the server's documentation. */
export type FileTerms = Partial<
  Omit<NonNullable<operations['uploadFile']['parameters']['query']>, 'filename'>
>;

/** The rules that answer the questions of a held file. */
export type FileAnswers = NonNullable<operations['confirmFile']['parameters']['query']>;

/** Which rows of a file's effects to return. */
export type EffectsPage = NonNullable<operations['showFileEffects']['parameters']['query']>;

/** Rules to try in a preview, and how many rows to show. */
export type PreviewTerms = NonNullable<operations['previewFile']['parameters']['query']>;

export interface UploadOptions extends CallOptions, BatchNote {
  readonly filename?: string;
  /** The file's own time: rows that are older than what the server holds get 412. */
  readonly asOf?: Date | string;
  /** Uploads with the same key are one file; by default, the retries of one call are. */
  readonly idempotencyKey?: string;
  readonly terms?: FileTerms | Query;
  /** The size of content that is a function: a server can refuse it at once. */
  readonly bytes?: number;
}

/** What a file can be sent as. A function is called again for a retry, and returns the file from its start. */
export type FileContent =
  Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | string | (() => ReadableStream<Uint8Array>);

/** `timeoutMs` limits how long nothing may arrive while bytes are awaited. */
interface DownloadOptions<Format extends string> extends Omit<
  CallOptions,
  'retries' | 'retryForMs'
> {
  readonly format?: Format;
}

export interface UndoOptions extends CallOptions, BatchNote {
  /** Also restore SKUs that a later batch has confirmed. */
  readonly force?: boolean;
  /** Show what would happen and change nothing. */
  readonly dryRun?: boolean;
}

/** Sends stock files and reads their results. */
export class FilesClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Sends a file and returns its UUID once it is durably stored; `wait` tells when it is applied. */
  async upload(content: FileContent, options: UploadOptions = {}): Promise<string> {
    const { filename, asOf, idempotencyKey = crypto.randomUUID(), terms, bytes } = options;
    const { uuid } = await this.#transport.json<FileUploaded>(
      {
        method: 'POST',
        path: `${FILES_PATH}upload/`,
        query: { ...terms, filename },
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': bytes === undefined ? undefined : String(bytes),
          'idempotency-key': idempotencyKey,
          'as-of': asOf instanceof Date ? asOf.toISOString() : asOf,
          ...noteHeaders(options),
        },
        body: () => (typeof content === 'function' ? content() : content),
        isRepeatable: true,
      },
      typeof content === 'function' ? options : { timeoutMs: UPLOAD_TIMEOUT_MS, ...options },
    );
    return uuid;
  }

  /**
   * Waits until a file is finished or held, and returns its status.
   *
   * @param options.onProgress is called with the status every `waitSeconds`; 30 by default, which is the most
   */
  async wait(
    uuid: string,
    options: CallOptions & {
      readonly waitSeconds?: number;
      readonly onProgress?: (file: FileWithBatches) => void;
    } = {},
  ): Promise<FileWithBatches> {
    const call = this.#transport.begin({ waitSeconds: WAIT_SECONDS, ...options });
    for (;;) {
      const file = await this.get(uuid, call);
      options.onProgress?.(file);
      if (!UNFINISHED.has(file.state)) return file;
    }
  }

  /** The status of a file. `waitSeconds` waits up to that long for it to finish. */
  async get(
    uuid: string,
    options: CallOptions & { readonly waitSeconds?: number } = {},
  ): Promise<FileWithBatches> {
    const { waitSeconds } = options;
    return this.#transport.json<FileWithBatches>(
      {
        method: 'GET',
        path: filePath(uuid),
        query: { wait: waitSeconds },
        waitMs: (waitSeconds ?? 0) * 1000,
      },
      options,
    );
  }

  /** Every file, latest first. */
  async *list(
    options: CallOptions = {},
  ): AsyncGenerator<FilePage['files'][number], void, undefined> {
    const call = this.#transport.begin(options);
    for (let start: number | null = 0; start !== null;) {
      const page: FilePage = await this.#transport.json<FilePage>(
        { method: 'GET', path: FILES_PATH, query: { start, limit: 100 } },
        call,
      );
      yield* page.files;
      start = page.pagination.next_start_index;
    }
  }

  /** What a finished file did, or would do in a dry run: totals, reasons of failures, and a page of its rows. */
  async effects(
    uuid: string,
    page: Partial<EffectsPage> = {},
    options: CallOptions = {},
  ): Promise<FileEffects> {
    return this.#transport.json<FileEffects>(
      { method: 'GET', path: `${filePath(uuid)}effects/`, query: page },
      options,
    );
  }

  /** The first rows of a file and how its columns are read, by these rules if any are given. */
  async preview(
    uuid: string,
    terms: PreviewTerms = {},
    options: CallOptions = {},
  ): Promise<FilePreview> {
    return this.#transport.json<FilePreview>(
      { method: 'GET', path: `${filePath(uuid)}preview/`, query: terms },
      options,
    );
  }

  /** Applies a file after its dry run and returns the UUID of the new file job; repeated, that of the same job. */
  async apply(uuid: string, options: CallOptions & BatchNote = {}): Promise<string> {
    const applied = await this.#transport.json<FileUploaded>(
      {
        method: 'POST',
        path: `${filePath(uuid)}apply/`,
        headers: noteHeaders(options),
        isRepeatable: true,
      },
      options,
    );
    return applied.uuid;
  }

  /** The rows of a finished file that were not applied, in the file's own columns, as they arrive. */
  async failedRows(
    uuid: string,
    { format = 'csv', ...options }: DownloadOptions<'csv' | 'xlsx'> = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return this.#download(`${filePath(uuid)}failed.${format}`, options);
  }

  /**
   * The file with the result of each row beside it, as it arrives; without retries. `edi` is the acknowledgement of an
   * EDI file.
   */
  async results(
    uuid: string,
    { format = 'csv', ...options }: DownloadOptions<'csv' | 'xlsx' | 'edi'> = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const name = format === 'edi' ? 'acknowledgement.edi' : `results.${format}`;
    return this.#download(`${filePath(uuid)}${name}`, options);
  }

  async #download(path: string, options: CallOptions): Promise<ReadableStream<Uint8Array>> {
    const request = { method: 'GET', path } as const;
    const { timeoutMs = TIMEOUT_DEFAULT_MS } = this.#transport.completed(options);
    const end = this.#transport.end(options);
    const { signal } = end;
    const silence = new Watchdog(timeoutMs);
    const either = AbortSignal.any([silence.signal, ...(signal === undefined ? [] : [signal])]);
    const failed = (error: unknown) => failureOf(error, request, signal);
    const pause = (): void => silence.stop();
    try {
      const { body } = await this.#transport.open(request, either);
      // The time that the program takes between pieces does not count.
      return passedOn(body ?? new Blob([]).stream(), failed, {
        onPull: () => silence.reset(),
        onBytes: pause,
        onEnd: () => {
          pause();
          end.stop();
        },
      });
    } catch (error) {
      end.stop();
      throw failed(error);
    } finally {
      pause();
    }
  }

  /**
   * As `results`, with retries: `read` gets the results again, from their start, after the connection broke. Errors of
   * `read` itself are thrown as they are.
   */
  async readResults<T>(
    uuid: string,
    read: (content: ReadableStream<Uint8Array>) => Promise<T>,
    { format = 'csv', ...options }: CallOptions & { readonly format?: 'csv' | 'xlsx' | 'edi' } = {},
  ): Promise<T> {
    const end = this.#transport.end(options);
    const { signal } = end;
    const retries = this.#transport.retries(options, signal);
    const request = { method: 'GET', path: filePath(uuid) } as const;
    try {
      for (;;) {
        try {
          return await read(
            await this.results(uuid, { ...options, format, ...(signal && { signal }) }),
          );
        } catch (error) {
          if (!(error instanceof OnhandError)) throw error;
          await retries.waitAfter(error, request);
        }
      }
    } finally {
      end.stop();
    }
  }

  /** Applies a file that is held. `answers` are those to its questions, such as `{ locations: 'sum' }`. */
  async confirm(
    uuid: string,
    answers: FileAnswers = {},
    options: CallOptions = {},
  ): Promise<FileWithBatches> {
    const request = { method: 'POST', path: `${filePath(uuid)}confirm/`, query: answers } as const;
    return this.#transport.json<FileWithBatches>(request, options);
  }

  /** Stops a file after the chunk that is being applied, or removes one that waits or is held. */
  async cancel(uuid: string, options: CallOptions = {}): Promise<FileWithBatches> {
    const request = { method: 'POST', path: `${filePath(uuid)}cancel/` } as const;
    return this.#transport.json<FileWithBatches>(request, options);
  }

  /** Undoes all batches of a file, last first. */
  async undo(uuid: string, options: UndoOptions = {}): Promise<FileRevert> {
    return this.#transport.json<FileRevert>(undoRequest(filePath(uuid), options), options);
  }

  /** Deletes a finished file and its results. Its batches and their undo remain. */
  async delete(uuid: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.none({ method: 'DELETE', path: filePath(uuid) }, options);
  }
}

/** The request that undoes a batch or a file. Repeating it is safe: what is restored already is skipped. */
export function undoRequest(path: string, options: UndoOptions) {
  return {
    method: 'POST',
    path: `${path}revert/`,
    query: { force: options.force, dry_run: options.dryRun },
    headers: noteHeaders(options),
    isRepeatable: true,
  } as const;
}

function filePath(uuid: string): string {
  return `${FILES_PATH}${encodeURIComponent(uuid)}/`;
}
