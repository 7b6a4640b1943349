/** Uploaded stock files and their file jobs. */
import type { BatchOrigin, FailedLine } from './batches.ts';
import type { ChoiceName, DecimalMark, ReadingRules } from './reading-rules.ts';
import { OnhandError, type ErrorCode } from './errors.ts';

/** States in which a file job has work left to do: `waiting` for its turn, then `reading` while it is applied. */
export const OPEN_STATES = ['waiting', 'reading'] as const;
/**
 * `held` waits for a confirmation. Final states: `done`, `refused` (nothing was applied), `failed` (stopped midway) and
 * `canceled`.
 */
export const ENDED_STATES = ['held', 'done', 'refused', 'failed', 'canceled'] as const;
export const FILE_STATES = [...OPEN_STATES, ...ENDED_STATES] as const;
export type FileState = (typeof FILE_STATES)[number];

/** What the sender of a file asked for. */
export interface FileOptions {
  readonly isSnapshot: boolean;
  readonly atomic: boolean;
  readonly dryRun: boolean;
  /** The report's timestamp in microseconds since 1970-01-01T00:00Z; null uses the file's own. */
  readonly asOfUs: number | null;
  /** The sender's rules and, where the sender gave none, the supplier's at the time of the upload. */
  readonly rules: ReadingRules;
}

/** What may be unclear in a file: SKUs with several quantities, and numbers with two values. */
export const QUESTION_CODES = [
  'duplicate_skus',
  'ambiguous_decimal',
] as const satisfies readonly ErrorCode[];

/** What a file's sender is asked before the file is applied. */
export interface FileQuestion {
  readonly code: (typeof QUESTION_CODES)[number];
  /** The rule that answers it. */
  readonly rule: ChoiceName;
  /** What is unclear, with examples, and what may be answered. */
  readonly detail: string;
  /** The values of the rule to choose from. */
  readonly answers: readonly string[];
}

/** One answer to each question of a file, by rule. */
export type FileAnswer = readonly (readonly [rule: string, value: string])[];

/** Every answer to all of these questions, such as `locations=sum`; none if there are no questions. */
export function answersTo(
  questions: readonly { readonly rule: string; readonly answers: readonly string[] }[],
): readonly FileAnswer[] {
  if (questions.length === 0) return [];
  let all: readonly FileAnswer[] = [[]];
  for (const { rule, answers } of questions)
    all = all.flatMap((before) => answers.map((value) => [...before, [rule, value] as const]));
  return all;
}

/** The query that confirms a file with an answer, such as `?decimal=comma&locations=sum`. */
export function confirmQuery(answer: FileAnswer): string {
  return `?${answer.map(([rule, value]) => `${rule}=${value}`).join('&')}`;
}

/** What was detected in the file. */
/** Rows whose numbers follow one another: the first number, how many rows, and the distance from each to the next. */
export type RowRun = readonly [first: number, count: number, step: number];

export interface FileFindings {
  readonly kind: 'inventory' | 'catalogue';
  readonly format: string;
  readonly packing: string | null;
  readonly encoding: string | null;
  readonly rowUnit: string;
  /** The columns that are read: as what, and why. */
  readonly columns: readonly {
    readonly header: string;
    readonly target: string;
    readonly by: string;
  }[];
  readonly unknownColumns: readonly string[];
  /** What the sender should know about how the file is read, in sentences; complete once it was read. */
  readonly notes: readonly string[];
  readonly sheet: { readonly name: string; readonly others: readonly string[] } | null;
  /** The decimal mark that the file's own numbers decided; null if that was not needed. */
  readonly decimal: DecimalMark | null;
  /** What has to be answered before the file is applied. */
  readonly questions: readonly FileQuestion[];
  /** Whether the file is one batch. Decided once, before anything is applied. */
  readonly isWhole: boolean;
  /** SKUs that a snapshot sets to zero because no row names them. */
  readonly zeroedCount?: number | undefined;
  /** The numbers of all its rows, once they were read; absent if they have too many runs, or an older version read them. */
  readonly rowRuns?: readonly RowRun[];
  /** Whether any of them has a warning, which only reading the row again tells. */
  readonly hasWarnings?: boolean;
}

/** Why a file was not applied, or not completely. */
export interface FileProblem {
  readonly code: string;
  readonly detail: string;
}

export type StatusCounts = Readonly<Record<string, number>>;

export interface FileProgress {
  readonly rowCount: number;
  readonly statusCounts: StatusCounts;
}

export interface FileRecord extends FileProgress {
  readonly supplierId: number;
  /** Numbers the supplier's files in the order of upload. */
  readonly number: number;
  readonly uuid: string;
  readonly userId: number | null;
  readonly username: string | null;
  readonly filename: string | null;
  readonly bytes: number;
  readonly asked: FileOptions;
  readonly reason: string | null;
  readonly reference: string | null;
  /** The trace context of its upload. */
  readonly traceparent: string | null;
  readonly state: FileState;
  /** Null until the file is opened. */
  readonly found: FileFindings | null;
  /** An estimate until the job is over; null if unknown. */
  readonly rowsExpected: number | null;
  readonly problem: FileProblem | null;
  readonly uploadedAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** Whether the file may exceed the safety limit. */
  readonly isConfirmed: boolean;
  readonly isCancelAsked: boolean;
  /** When the lease of the node that works on it expires; 0 if there is none. */
  readonly claimedUntilMs: number;
  /** Whether the file and its results are still stored. */
  readonly isKept: boolean;
}

/** What a file says about its batches. */
export function notesOfFile({
  reason,
  reference,
  traceparent,
}: FileRecord): Pick<BatchOrigin, 'reason' | 'reference' | 'traceparent'> {
  return {
    ...(reason !== null && { reason }),
    ...(reference !== null && { reference }),
    ...(traceparent !== null && { traceparent }),
  };
}

export interface FileDraft {
  readonly supplierId: number;
  readonly uuid: string;
  readonly userId: number | null;
  readonly filename: string | null;
  readonly bytes: number;
  readonly asked: FileOptions;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly traceparent?: string;
  readonly uploadedAtMs: number;
  readonly idempotency: FileKey | null;
}

/** The idempotency key of an upload. */
export interface FileKey {
  /** Chosen by the client; unique per supplier. */
  readonly key: string;
  /** A hash of everything that makes two uploads equal. */
  readonly fingerprint: Uint8Array;
  /** Keys of uploads before this time have expired. */
  readonly usedSinceMs: number;
}

/** An upload that came with an idempotency key. */
export interface EarlierUpload extends Pick<FileKey, 'fingerprint'> {
  readonly uuid: string;
}

/** The uuid of an earlier upload that came with the same key. Throws `idempotency_key_reused` if it was a different one. */
export function uuidOfSame(earlier: EarlierUpload, fingerprint: Uint8Array): string {
  const isSame =
    earlier.fingerprint.length === fingerprint.length &&
    earlier.fingerprint.every((byte, i) => byte === fingerprint[i]);
  if (isSame) return earlier.uuid;
  throw new OnhandError(
    'idempotency_key_reused',
    'This Idempotency-Key came before with another upload; a new upload needs a new key.',
  );
}

/** Whether a file job has reached a final state. */
export function isOver({ state }: Pick<FileRecord, 'state'>): boolean {
  return state !== 'waiting' && state !== 'reading' && state !== 'held';
}

/** Identifies a file. */
export type FilePlace = Pick<FileRecord, 'supplierId' | 'number'>;

/** Identifies the bytes of a file on disk. */
export type StoredFile = Pick<FileRecord, 'supplierId' | 'uuid'>;

/** One node's exclusive right to work on a file. */
export interface FileLease {
  readonly nodeId: string;
  readonly nowMs: number;
  /** Other nodes' leases that expire before this time are ignored. */
  readonly voidBeforeMs: number;
  readonly untilMs: number;
}

/** Rows of a file that were applied as one batch. */
export interface FileChunk {
  /** Numbered from 0. */
  readonly piece: number;
  readonly rowCount: number;
  /** Null if nothing was written: for a dry run, or if no row could be read. */
  readonly batchUuid: string | null;
  /** For a chunk without a batch: the failed lines, and with status 200 those that a dry run would change. */
  readonly failures: readonly FailedLine[];
}

/** How a file job ends or is held. */
export interface FileEnd {
  readonly state: (typeof ENDED_STATES)[number];
  readonly problem: FileProblem | null;
  readonly finishedAtMs: number;
}
