/** The part of the store contract that is about feeds: the files that suppliers sent, and what became of each. */
import type { FailedLine } from './failed-line.ts';

/**
 * `waiting` for its turn, `reading` and being applied; then for good `done`, `refused` (nothing of it was
 * applied), `failed` (broke off midway) or `canceled`. `held` waits for a confirmation.
 */
export const FILE_STATES = [
  'waiting',
  'reading',
  'held',
  'done',
  'refused',
  'failed',
  'canceled',
] as const;
export type FileState = (typeof FILE_STATES)[number];

/** States in which somebody has work to do on a feed. */
export const OPEN_STATES = ['waiting', 'reading'] as const satisfies readonly FileState[];

/** What its sender asks for beside its rows. */
export interface FileOptions {
  readonly isSnapshot: boolean;
  readonly atomic: boolean;
  readonly dryRun: boolean;
  /** Of when its rows are, in microseconds since 1970-01-01T00:00Z; null is as the file says. */
  readonly asOfUs: number | null;
  /** The supplier's own names of columns when it was sent. */
  readonly mappings: readonly { readonly header: string; readonly target: string }[];
}

/** What was found out of the file. */
export interface FileFindings {
  readonly kind: 'inventory' | 'catalogue';
  readonly format: string;
  readonly packing: string | null;
  readonly encoding: string | null;
  readonly rowUnit: string;
  /** Which column is read as what, and why. */
  readonly columns: readonly {
    readonly header: string;
    readonly target: string;
    readonly by: string;
  }[];
  readonly unknownColumns: readonly string[];
  readonly sheet: { readonly name: string; readonly others: readonly string[] } | null;
  /** Whether it is one batch; decided once, before anything is applied. */
  readonly isWhole: boolean;
}

/** Why a feed was not applied, or not to its end. */
export interface FileProblem {
  readonly code: string;
  readonly detail: string;
}

export type StatusCounts = Readonly<Record<string, number>>;

/** How far a feed is. */
export interface FileProgress {
  readonly rowCount: number;
  readonly statusCounts: StatusCounts;
}

export interface FileRecord extends FileProgress {
  readonly supplierId: number;
  /** The supplier's own count of feeds, in the order of their upload. */
  readonly number: number;
  readonly uuid: string;
  readonly userId: number | null;
  readonly username: string | null;
  readonly filename: string | null;
  readonly bytes: number;
  readonly asked: FileOptions;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly state: FileState;
  /** Null before it was opened. */
  readonly found: FileFindings | null;
  /** An estimate until it is over; null where there is none. */
  readonly rowsExpected: number | null;
  readonly problem: FileProblem | null;
  readonly uploadedAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** Whether it may pass the breaker. */
  readonly isConfirmed: boolean;
  readonly isCancelAsked: boolean;
  /** Until when a node works on it, unless it goes on; 0 where none does. */
  readonly claimedUntilMs: number;
  /** Whether the file and its results are still there. */
  readonly isKept: boolean;
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
  readonly uploadedAtMs: number;
  readonly idempotency: FileKey | null;
}

export interface FileKey {
  /** The client's, of the supplier's alone. */
  readonly key: string;
  /** A hash of all that makes two uploads the same. */
  readonly fingerprint: Uint8Array;
  /** Uploads before this have let go of their keys. */
  readonly usedSinceMs: number;
}

/** Whether nothing more will come of a feed. */
export function isOver({ state }: Pick<FileRecord, 'state'>): boolean {
  return state !== 'waiting' && state !== 'reading' && state !== 'held';
}

/** Which feed. */
export type FilePlace = Pick<FileRecord, 'supplierId' | 'number'>;

/** Who works on a feed, and until when nobody else may. */
export interface FileLease {
  readonly nodeId: string;
  readonly nowMs: number;
  /** Claims of others that end before are void. */
  readonly voidBeforeMs: number;
  readonly untilMs: number;
}

/** A run of a feed's rows that was applied together. */
export interface FileChunk {
  /** Counted from 0. */
  readonly piece: number;
  readonly rowCount: number;
  /** Null where nothing was written: of a dry run, or where no row could be read. */
  readonly batchUuid: string | null;
  /** Of a piece without a batch: the lines that failed, and with status 200 those that a dry run would change. */
  readonly told: readonly FailedLine[];
}

/** How a feed ends, or is held. */
export interface FileEnd {
  readonly state: Exclude<FileState, (typeof OPEN_STATES)[number]>;
  readonly problem: FileProblem | null;
  readonly finishedAtMs: number;
}

export interface FilePage {
  readonly totalCount: number;
  /** The latest first. */
  readonly feeds: readonly FileRecord[];
  readonly hasMore: boolean;
}

export interface FileStore {
  /**
   * Adds a feed whose file lies there durably. Gives the uuid: that of an earlier one where its key was
   * used for the same upload. Rejects with `idempotency_key_reused` where it was for another.
   */
  add(draft: FileDraft): Promise<string>;
  list(
    supplierId: number,
    query: { readonly start: number; readonly limit: number },
  ): Promise<FilePage>;
  find(supplierId: number, uuid: string): Promise<FileRecord | undefined>;
  /** Pieces from that one on, in order, at most `limit`. */
  pieces(place: FilePlace, from: number, limit: number): Promise<readonly FileChunk[]>;

  /** The first open feed of each supplier that has one, those who wait longest first. */
  next(): Promise<readonly FileRecord[]>;
  /** Begins to work on an open feed, or goes on; undefined where another node does, or it is not open. */
  claim(place: FilePlace, claim: FileLease): Promise<FileRecord | undefined>;
  /** Keeps a claim alive; says what has become of it. */
  keep(place: FilePlace, claim: FileLease): Promise<'held' | 'lost' | 'cancel_asked'>;
  /** Has no effect, as `record` and `end` have none, where the claim was lost. */
  describe(place: FilePlace, nodeId: string, found: FileFindings): Promise<void>;
  record(
    place: FilePlace,
    nodeId: string,
    piece: FileChunk | null,
    progress: FileProgress & { readonly rowsExpected: number | null },
  ): Promise<void>;
  end(place: FilePlace, nodeId: string, end: FileEnd): Promise<void>;

  /** Cancels a feed that waits or is held at once; one that is being applied stops after its piece. */
  cancel(place: FilePlace, nowMs: number): Promise<void>;
  /** Lets a feed that is held go on; says whether it was. */
  confirm(place: FilePlace): Promise<boolean>;

  /** The supplier's own names of columns. */
  mappingOf(supplierId: number): Promise<FileOptions['mappings']>;
  setMapping(supplierId: number, mappings: FileOptions['mappings']): Promise<void>;

  /** Feeds begun before then that nobody works on and whose files are still kept, at most `limit`. */
  expired(startedBeforeMs: number, limit: number): Promise<readonly FileRecord[]>;
  /** Notes that the file is gone, and drops what is kept of its failing lines. */
  drop(place: FilePlace): Promise<void>;
  /** Which of these uuids belong to feeds whose files are to be kept. */
  kept(uuids: readonly string[]): Promise<readonly string[]>;
}
