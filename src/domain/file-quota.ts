/** What one supplier may store and queue. */
import { OnhandError } from './errors.ts';

export interface FileQuota {
  /** Total size of its stored files. */
  readonly bytesMax: number;
  readonly filesMax: number;
  /** Files that wait for their turn. */
  readonly queuedMax: number;
}

/** What a supplier stores now. */
export interface FileUsage {
  readonly storedBytes: number;
  readonly storedFiles: number;
  readonly queuedFiles: number;
}

const QUEUE_RETRY_SECONDS = 30;
/** Only deleting files, or their retention, makes room. */
const QUOTA_RETRY_SECONDS = 600;

/** Why a supplier with this usage cannot store another file of `bytes`; undefined if it can. */
export function fileQuotaProblem(
  { storedBytes, storedFiles, queuedFiles }: FileUsage,
  { bytesMax, filesMax, queuedMax }: FileQuota,
  bytes: number,
): OnhandError | undefined {
  if (bytes > bytesMax) {
    return new OnhandError(
      'body_too_large',
      `The file is larger than the ${bytesMax} bytes that a supplier may store (ONHAND_SUPPLIER_FILE_BYTES_MAX); compress it with gzip, or send it in several files.`,
    );
  }
  if (queuedFiles >= queuedMax) {
    return new OnhandError(
      'file_quota_exceeded',
      `${queuedFiles} of your files wait to be applied; at most ${queuedMax} may (ONHAND_SUPPLIER_QUEUED_FILES_MAX). Send this file again when they are done, or cancel some.`,
      { retryAfterSeconds: QUEUE_RETRY_SECONDS },
    );
  }
  if (storedFiles >= filesMax) {
    return new OnhandError(
      'file_quota_exceeded',
      `You have ${storedFiles} stored files; at most ${filesMax} are allowed (ONHAND_SUPPLIER_FILES_MAX). ${DELETE_FILES}`,
      { retryAfterSeconds: QUOTA_RETRY_SECONDS },
    );
  }
  if (storedBytes + bytes > bytesMax) {
    return new OnhandError(
      'file_quota_exceeded',
      `Your stored files have ${storedBytes} bytes, and this one would exceed the ${bytesMax} that are allowed (ONHAND_SUPPLIER_FILE_BYTES_MAX). ${DELETE_FILES}`,
      { retryAfterSeconds: QUOTA_RETRY_SECONDS },
    );
  }
  return undefined;
}

const DELETE_FILES =
  'Delete finished files (DELETE /timp/organizations/files/{uuid}/), then send this one again.';
