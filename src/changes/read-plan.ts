/**
 * What a reader of changes is to be given next. Pure: who may be seen and how far each supplier is are
 * handed in, and the reading itself is somebody else's.
 */
import { SUPPLIERS_FOLLOWED_MAX } from '../domain/changes.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Cursor } from './cursor.ts';

/** How far a supplier is. */
export interface Head {
  /** The sequence of its last change; 0 where there is none yet. */
  readonly lastSequence: number;
  /** The first sequence whose change is still kept; `lastSequence` + 1 where none is. */
  readonly oldestSequence: number;
}

/** Every supplier has a head, also one without changes; a supplier without one is looked at later. */
export type Heads = ReadonlyMap<number, Head>;

export interface PlanRequest {
  readonly cursor: Cursor;
  /** The suppliers to follow: all that the reader may see now, or those of them that it chose. */
  readonly supplierIds: readonly number[];
  readonly heads: Heads;
  /** How many changes at most, 1 or more. */
  readonly limit: number;
}

/** The changes of one supplier after `afterSequence`, `count` of them: they are all there. */
export interface PlannedRead {
  readonly supplierId: number;
  readonly afterSequence: number;
  readonly count: number;
}

interface Border {
  readonly supplierId: number;
  readonly sequence: number;
}

export interface Plan {
  /** Suppliers that may no longer be seen, to be told first. */
  readonly left: readonly Border[];
  /** Suppliers that are followed from here on, after their change of that sequence; told second. */
  readonly entered: readonly Border[];
  /** What to read then, in this order. */
  readonly reads: readonly PlannedRead[];
  /** Where the reader stands before the reads, after those who left and entered. */
  readonly cursor: Cursor;
  /** Whether there is more than these reads. */
  readonly hasMore: boolean;
}

/** Begins to follow suppliers at what is to come. */
export function cursorAtNow(supplierIds: readonly number[], heads: Heads): Cursor {
  return cursorAt(supplierIds, heads, ({ lastSequence }) => lastSequence);
}

/** Begins to follow suppliers at the first changes that are kept. */
export function cursorAtStart(supplierIds: readonly number[], heads: Heads): Cursor {
  return cursorAt(supplierIds, heads, ({ oldestSequence }) => oldestSequence - 1);
}

function cursorAt(
  supplierIds: readonly number[],
  heads: Heads,
  place: (head: Head) => number,
): Cursor {
  refuseTooMany(supplierIds);
  const sequences = new Map<number, number>();
  for (const id of supplierIds) {
    const head = heads.get(id);
    if (head !== undefined) sequences.set(id, place(head));
  }
  return { sequences, turn: 0 };
}

/**
 * Plans the next read.
 *
 * Fair: the limit is shared among the suppliers that have something to read, what one does not need goes
 * to the others, and where not even one change each is possible, those come first that are behind the
 * one that was read last. So none waits longer than one round.
 *
 * Heads may lag behind the cursor (another node has served it from newer ones): nothing is then read.
 *
 * @throws OnhandError `parameter_invalid` where there are too many suppliers, `cursor_expired` where
 *   changes that the reader has not seen are no longer kept
 */
export function planReading({ cursor, supplierIds, heads, limit }: PlanRequest): Plan {
  refuseTooMany(supplierIds);
  const { left, entered, sequences } = cross(cursor, supplierIds, heads);
  const backlogs = backlogsOf(sequences, heads);
  const reads = shareOut(inTurn(backlogs, cursor.turn), limit);
  const waiting = backlogs.reduce((sum, { count }) => sum + count, 0);
  const planned = reads.reduce((sum, { count }) => sum + count, 0);
  return {
    left,
    entered,
    reads,
    cursor: { sequences, turn: cursor.turn },
    hasMore: waiting > planned,
  };
}

/** Where the reader stands after the changes up to these sequences were read, in this order. */
export function cursorAfter(
  cursor: Cursor,
  done: Iterable<{ readonly supplierId: number; readonly lastSequence: number }>,
): Cursor {
  const sequences = new Map(cursor.sequences);
  let { turn } = cursor;
  for (const { supplierId, lastSequence } of done) {
    sequences.set(supplierId, lastSequence);
    turn = supplierId;
  }
  return { sequences, turn };
}

/**
 * Refuses a cursor that has seen changes which the database does not have: it was restored from an
 * older copy, and what was written since would be skipped without a word.
 *
 * @param heads read after the cursor came, not remembered: a lagging head proves nothing
 * @throws OnhandError `cursor_expired`
 */
export function refuseAhead({ sequences }: Cursor, heads: Heads): void {
  for (const [id, sequence] of sequences) {
    const head = heads.get(id);
    if (head !== undefined && sequence > head.lastSequence) {
      throw expired('names changes that are not there: the database was restored from a copy');
    }
  }
}

/** Who left and who entered since the cursor was made, and where the reader then stands. */
function cross(
  { sequences: before }: Cursor,
  supplierIds: readonly number[],
  heads: Heads,
): Pick<Plan, 'left' | 'entered'> & { readonly sequences: ReadonlyMap<number, number> } {
  const visible = new Set(supplierIds);
  const sequences = new Map<number, number>();
  const left: Border[] = [];
  const entered: Border[] = [];
  for (const [supplierId, sequence] of before) {
    if (visible.has(supplierId)) sequences.set(supplierId, sequence);
    else left.push({ supplierId, sequence });
  }
  for (const supplierId of visible) {
    const head = heads.get(supplierId);
    if (before.has(supplierId) || head === undefined) continue;
    sequences.set(supplierId, head.lastSequence);
    entered.push({ supplierId, sequence: head.lastSequence });
  }
  return { left, entered, sequences };
}

function backlogsOf(sequences: ReadonlyMap<number, number>, heads: Heads): readonly PlannedRead[] {
  const backlogs: PlannedRead[] = [];
  for (const [supplierId, afterSequence] of sequences) {
    const head = heads.get(supplierId);
    if (head === undefined) continue;
    if (afterSequence + 1 < head.oldestSequence) {
      throw expired('is older than the changes that are kept');
    }
    const count = head.lastSequence - afterSequence;
    if (count > 0) backlogs.push({ supplierId, afterSequence, count });
  }
  return backlogs;
}

/** In ascending order of supplier, beginning behind the one whose turn it was. */
function inTurn(backlogs: readonly PlannedRead[], turn: number): readonly PlannedRead[] {
  const ascending = backlogs.toSorted((a, b) => a.supplierId - b.supplierId);
  const next = ascending.findIndex(({ supplierId }) => supplierId > turn);
  return next < 0 ? ascending : [...ascending.slice(next), ...ascending.slice(0, next)];
}

/** Gives everyone the same share, and what the short ones leave to the long ones. */
function shareOut(backlogs: readonly PlannedRead[], limit: number): readonly PlannedRead[] {
  const served = backlogs.slice(0, limit);
  const shares = new Map<number, number>();
  let left = limit;
  let waiting = served.length;
  for (const { supplierId, count } of served.toSorted((a, b) => a.count - b.count)) {
    const share = Math.min(count, Math.floor(left / waiting));
    shares.set(supplierId, share);
    left -= share;
    waiting -= 1;
  }
  return served.map((read) => ({ ...read, count: shares.get(read.supplierId) ?? 0 }));
}

function refuseTooMany(supplierIds: readonly number[]): void {
  const count = new Set(supplierIds).size;
  if (count <= SUPPLIERS_FOLLOWED_MAX) return;
  throw new OnhandError(
    'parameter_invalid',
    `These are the changes of ${count} suppliers; at most ${SUPPLIERS_FOLLOWED_MAX} can be followed ` +
      'at once. Choose some of them by supplier_uuids.',
  );
}

function expired(why: string): OnhandError {
  return new OnhandError(
    'cursor_expired',
    `The cursor ${why}. Begin anew: read with from=now, keep the cursor of that answer, then read the ` +
      'list of SKUs, and go on from that cursor.',
  );
}
