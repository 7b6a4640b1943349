import { OnhandError } from '../domain/errors.ts';
import { fileQuotaProblem, type FileQuota, type FileUsage } from '../domain/file-quota.ts';
import type { FileStore } from '../store/store.ts';
import type { FileStorage, StorageRoom } from './storage.ts';

interface DiskLimits extends FileQuota {
  /** Free space of the disk below which no file is stored. */
  readonly freeBytesMin: number;
}

interface DiskQuotaParts {
  readonly store: Pick<FileStore, 'usage'>;
  readonly files: Pick<FileStorage, 'freeBytes'>;
  readonly limits: DiskLimits;
}

/** How many bytes are written, by all suppliers together, before the free space is read again. */
const FREE_CHECK_BYTES = 16 * 1024 * 1024;
const DISK_RETRY_SECONDS = 60;

/** One supplier's usage as this node knows it. */
interface SupplierRoom {
  usage: FileUsage;
  /** Files that are arriving. Their bytes count as declared, or as received if that is more. */
  arrivingFiles: number;
  arrivingBytes: number;
}

/**
 * What suppliers may store. Files count from their first byte, so that parallel uploads cannot pass the
 * quota; adding a file to the store checks it again, for all nodes together.
 */
export class DiskQuota {
  readonly limits: DiskLimits;
  readonly #store: DiskQuotaParts['store'];
  readonly #files: DiskQuotaParts['files'];
  /** The suppliers of which files are arriving. */
  readonly #rooms = new Map<number, SupplierRoom>();
  #writtenBytes = 0;

  constructor({ store, files, limits }: DiskQuotaParts) {
    this.#store = store;
    this.#files = files;
    this.limits = limits;
  }

  /**
   * Reserves room for a file that is about to arrive. Rejects with `file_quota_exceeded`, with
   * `body_too_large` if the supplier can never store it, and with `disk_space_low`.
   *
   * @param bytes its size as far as it is known; 0 if it is not
   */
  async reserve(supplierId: number, bytes: number): Promise<ReservedRoom> {
    await this.#checkFree(bytes);
    const usage = await this.#store.usage(supplierId);
    const room = this.#rooms.get(supplierId) ?? { usage, arrivingFiles: 0, arrivingBytes: 0 };
    room.usage = usage;
    this.#check(room, bytes);
    room.arrivingFiles += 1;
    room.arrivingBytes += bytes;
    this.#rooms.set(supplierId, room);
    return new ReservedRoom(bytes, {
      grow: (more) => {
        // The file itself is among those that arrive.
        this.#check({ ...room, arrivingFiles: room.arrivingFiles - 1 }, more);
        room.arrivingBytes += more;
      },
      wrote: (written) => this.wrote(written),
      end: (reserved, storedBytes) => {
        room.arrivingFiles -= 1;
        room.arrivingBytes -= reserved;
        if (room.arrivingFiles === 0) this.#rooms.delete(supplierId);
        if (storedBytes !== null) room.usage = withStored(room.usage, storedBytes);
      },
    });
  }

  #check({ usage, arrivingFiles, arrivingBytes }: SupplierRoom, bytes: number): void {
    const all: FileUsage = {
      storedBytes: usage.storedBytes + arrivingBytes,
      storedFiles: usage.storedFiles + arrivingFiles,
      queuedFiles: usage.queuedFiles + arrivingFiles,
    };
    const problem = fileQuotaProblem(all, this.limits, bytes);
    if (problem !== undefined) throw problem;
  }

  /** Counts bytes that are written now. Rejects with `disk_space_low`; the disk is checked from time to time. */
  async wrote(bytes: number): Promise<void> {
    this.#writtenBytes += bytes;
    if (this.#writtenBytes < FREE_CHECK_BYTES) return;
    this.#writtenBytes = 0;
    await this.#checkFree(0);
  }

  async #checkFree(bytes: number): Promise<void> {
    const { freeBytesMin } = this.limits;
    if (freeBytesMin === 0) return;
    const freeBytes = await this.#files.freeBytes();
    if (freeBytes - bytes >= freeBytesMin) return;
    throw new OnhandError(
      'disk_space_low',
      `The server has ${freeBytes} bytes of disk space left and keeps ${freeBytesMin} of them for inventory updates (ONHAND_FREE_DISK_BYTES_MIN); send this file again later.`,
      { retryAfterSeconds: DISK_RETRY_SECONDS },
    );
  }
}

function withStored(usage: FileUsage, bytes: number): FileUsage {
  return {
    storedBytes: usage.storedBytes + bytes,
    storedFiles: usage.storedFiles + 1,
    queuedFiles: usage.queuedFiles + 1,
  };
}

interface Accounts {
  /** Throws if the supplier may not store that many more bytes. */
  readonly grow: (bytes: number) => void;
  readonly wrote: (bytes: number) => Promise<void>;
  readonly end: (reservedBytes: number, storedBytes: number | null) => void;
}

/** Room for one arriving file. It must be ended, with `settle` or `release`. */
export class ReservedRoom implements StorageRoom {
  readonly #accounts: Accounts;
  #reservedBytes: number;
  #takenBytes = 0;
  #isOver = false;

  constructor(reservedBytes: number, accounts: Accounts) {
    this.#reservedBytes = reservedBytes;
    this.#accounts = accounts;
  }

  async take(bytes: number): Promise<void> {
    const takenBytes = this.#takenBytes + bytes;
    if (takenBytes > this.#reservedBytes) {
      this.#accounts.grow(takenBytes - this.#reservedBytes);
      this.#reservedBytes = takenBytes;
    }
    this.#takenBytes = takenBytes;
    await this.#accounts.wrote(bytes);
  }

  /** The file is stored and was added. */
  settle(): void {
    this.#end(this.#takenBytes);
  }

  /** Without effect after `settle`. */
  release(): void {
    this.#end(null);
  }

  #end(storedBytes: number | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#accounts.end(this.#reservedBytes, storedBytes);
  }
}
