/** Keeps printed results for clients that read slower than a worker prints. */
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { OnhandError } from '../domain/errors.ts';
import { Capacity, type Usage } from '../intake/capacity.ts';

/** Each is a setting of `config.ts`. */
export interface SpoolLimits {
  /** Disk space for results that were printed and not read yet, in bytes: in all, … */
  readonly resultSpoolBytesMax: number;
  /** … and for one organization. */
  readonly organizationResultSpoolBytesMax: number;
  /** How long a worker waits for a client, while that space is used up, before it ends the download. */
  readonly resultSpoolWaitMs: number;
}

/** How much of a download waits in memory, in bytes. More waits on disk. */
export const SPOOL_MEMORY_BYTES = 512 * 1024;
const READ_BYTES = 64 * 1024;
const RETRY_SECONDS = 5;

/** The disk space of all downloads. */
export class SpoolBudget {
  readonly waitMs: number;
  readonly #capacity: Capacity;

  constructor(limits: SpoolLimits) {
    this.waitMs = limits.resultSpoolWaitMs;
    this.#capacity = new Capacity({
      limit: limits.resultSpoolBytesMax,
      organizationLimit: limits.organizationResultSpoolBytesMax,
      unit: SPOOL_MEMORY_BYTES,
    });
  }

  usage(): Usage {
    return this.#capacity.usage;
  }

  /** Throws `organization_budget_exceeded` or `overloaded` if a download could not begin to use it. */
  refuseFull(organizationId: number): void {
    const exhausted = this.#capacity.exhaustedBy(organizationId, SPOOL_MEMORY_BYTES);
    if (exhausted !== undefined) throw spoolFull(exhausted);
  }

  /** Returns whether there was room. */
  tryTake(organizationId: number, bytes: number): boolean {
    if (this.#capacity.exhaustedBy(organizationId, bytes) !== undefined) return false;
    this.#capacity.add(organizationId, bytes);
    return true;
  }

  give(organizationId: number, bytes: number): void {
    this.#capacity.add(organizationId, -bytes);
  }
}

function spoolFull(exhausted: 'organization' | 'server'): OnhandError {
  const retryAfterSeconds = RETRY_SECONDS;
  return exhausted === 'organization'
    ? new OnhandError(
        'organization_budget_exceeded',
        "Your organization's downloads of results have more left to read than the server keeps for it (ONHAND_ORGANIZATION_RESULT_SPOOL_BYTES_MAX). Read them to their ends or close them, and send this request again.",
        { retryAfterSeconds },
      )
    : new OnhandError(
        'overloaded',
        'The server has no more disk space for results that are not read yet (ONHAND_RESULT_SPOOL_BYTES_MAX). Send this request again later.',
        { retryAfterSeconds },
      );
}

interface SpoolParts {
  readonly organizationId: number;
  readonly budget: SpoolBudget;
  /** Opens a file for reading and writing that is gone when it is closed. */
  readonly openFile: () => Promise<FileHandle>;
  /** Called with the size of what is about to be written. Rejects if the disk is almost full. */
  readonly beforeWrite: (bytes: number) => Promise<void>;
}

/**
 * A download. What its client has not read yet waits in memory, then on disk. When the client catches up, the disk
 * space is free again; when the stream is destroyed, all of it is.
 */
export class SpooledDownload extends Readable {
  readonly #parts: SpoolParts;
  /** Older than what the file holds. */
  readonly #memory: Uint8Array[] = [];
  #memoryBytes = 0;
  #file: FileHandle | undefined;
  #readAt = 0;
  #writtenTo = 0;
  /** What this download takes of the budget. */
  #takenBytes = 0;
  #isPrinted = false;
  #isWanted = false;
  #isSupplying = false;
  #onRead: (() => void) | undefined;
  /** Reads, writes and the end of the file take turns. */
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(parts: SpoolParts) {
    super({ highWaterMark: READ_BYTES });
    this.#parts = parts;
  }

  /** Keeps more of the results. To be called again when it has resolved. Rejects if the download ends early. */
  async spool(bytes: Uint8Array): Promise<void> {
    const { organizationId, budget } = this.#parts;
    for (;;) {
      if (this.destroyed) throw new Error('the download was ended');
      if (this.#fitsInMemory(bytes)) {
        this.#memory.push(bytes);
        this.#memoryBytes += bytes.length;
        break;
      }
      if (budget.tryTake(organizationId, bytes.length)) {
        this.#takenBytes += bytes.length;
        await this.#append(bytes);
        break;
      }
      await this.#clientReads();
    }
    this.#supply();
  }

  /** All results were kept. */
  finish(): void {
    this.#isPrinted = true;
    this.#supply();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#supply();
  }

  override _destroy(reason: Error | null, closed: (error: Error | null) => void): void {
    this.#memory.length = 0;
    this.#onRead?.();
    void this.#close(reason).then((failure) => closed(failure));
  }

  /** Frees the file and its space; the error that the stream ends with. */
  async #close(error: Error | null): Promise<Error | null> {
    try {
      await this.#inTurn(async () => this.#file?.close());
      return error;
    } catch (failure) {
      return error ?? asError(failure);
    } finally {
      this.#give(this.#takenBytes);
    }
  }

  /** Text that is read later than what is on disk must follow it there. */
  #fitsInMemory({ length }: Uint8Array): boolean {
    if (this.#unreadOnDisk > 0) return false;
    return this.#memoryBytes === 0 || this.#memoryBytes + length <= SPOOL_MEMORY_BYTES;
  }

  get #unreadOnDisk(): number {
    return this.#writtenTo - this.#readAt;
  }

  #append(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (this.destroyed) return;
      await this.#parts.beforeWrite(bytes.length);
      const file = (this.#file ??= await this.#parts.openFile());
      for (let from = 0; from < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, from, null, this.#writtenTo + from);
        from += bytesWritten;
      }
      this.#writtenTo += bytes.length;
    });
  }

  #supply(): void {
    if (this.#isSupplying || !this.#isWanted || this.destroyed) return;
    this.#isSupplying = true;
    this.#supplyWanted().catch((error: unknown) => this.destroy(asError(error)));
  }

  async #supplyWanted(): Promise<void> {
    try {
      while (this.#isWanted && !this.destroyed) {
        const next = this.#memory.shift();
        this.#memoryBytes -= next?.length ?? 0;
        if (next === undefined && this.#unreadOnDisk === 0 && !this.#isPrinted) return;
        const isOver = next === undefined && this.#unreadOnDisk === 0;
        const bytes = isOver ? null : (next ?? (await this.#readFile()));
        this.#isWanted = false;
        this.push(bytes);
        this.#onRead?.();
      }
    } finally {
      // Not later: what is kept from now on must be supplied by another call.
      this.#isSupplying = false;
    }
  }

  #readFile(): Promise<Uint8Array> {
    return this.#inTurn(async () => {
      const file = this.#file;
      if (file === undefined || this.destroyed) return new Uint8Array(0);
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, this.#unreadOnDisk));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#readAt);
      if (bytesRead === 0) throw new Error('printed results were lost on disk');
      this.#readAt += bytesRead;
      if (this.#unreadOnDisk === 0) {
        await file.truncate(0);
        this.#give(this.#writtenTo);
        this.#readAt = this.#writtenTo = 0;
      }
      return buffer.subarray(0, bytesRead);
    });
  }

  #give(bytes: number): void {
    this.#takenBytes -= bytes;
    this.#parts.budget.give(this.#parts.organizationId, bytes);
  }

  /** Resolves when the client has read something. Rejects if that takes too long. */
  async #clientReads(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#onRead = resolve;
    const timer = setTimeout(
      () => reject(new Error('a client reads its results too slowly, and the spool is full')),
      this.#parts.budget.waitMs,
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#onRead = undefined;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work, work);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
