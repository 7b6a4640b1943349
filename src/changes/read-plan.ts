/** Plans what a reader of changes gets next. Pure: visible suppliers and heads are arguments; the caller reads. */
import { SUPPLIERS_FOLLOWED_MAX, type ChangeHead } from '../domain/changes.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Cursor } from './cursor.ts';

/** A supplier without changes has a head too. A supplier that is missing here is left for a later read. */
export type Heads = ReadonlyMap<number, ChangeHead>;

export interface PlanRequest {
  readonly cursor: Cursor;
  /** The suppliers to follow: all that the reader can see now, or the chosen ones of them. */
  readonly supplierIds: readonly number[];
  readonly heads: Heads;
  /** The most changes, at least 1. */
  readonly limit: number;
}

/** `count` changes of one supplier after `afterSequence`; all of them exist. */
export interface PlannedRead {
  readonly supplierId: number;
  readonly afterSequence: number;
  readonly count: number;
}

interface SupplierSequence {
  readonly supplierId: number;
  readonly sequence: number;
}

export interface Plan {
  /** Suppliers that are no longer visible; reported first. */
  readonly left: readonly SupplierSequence[];
  /** Suppliers that are followed from now on, after that sequence; reported second. */
  readonly entered: readonly SupplierSequence[];
  /** The reads, in this order. */
  readonly reads: readonly PlannedRead[];
  /** The cursor before the reads, after `left` and `entered`. */
  readonly cursor: Cursor;
  /** Whether there are more changes than these reads. */
  readonly hasMore: boolean;
}

/** A cursor that follows suppliers after their latest change. */
export function cursorAtNow(supplierIds: readonly number[], heads: Heads): Cursor {
  return cursorAt(supplierIds, heads, ({ lastSequence }) => lastSequence);
}

/** A cursor that follows suppliers from their oldest stored change. */
export function cursorAtStart(supplierIds: readonly number[], heads: Heads): Cursor {
  return cursorAt(supplierIds, heads, ({ oldestSequence }) => oldestSequence - 1);
}

function cursorAt(
  supplierIds: readonly number[],
  heads: Heads,
  position: (head: ChangeHead) => number,
): Cursor {
  refuseTooMany(supplierIds);
  const sequences = new Map<number, number>();
  for (const id of supplierIds) {
    const head = heads.get(id);
    if (head !== undefined) sequences.set(id, position(head));
  }
  return { sequences, turn: 0 };
}

/**
 * Plans the next read. Reads are fair: the limit is shared among the suppliers with unread changes, and what one does
 * not need goes to the others. If the limit is smaller than the number of suppliers, they take turns.
 *
 * Heads may lag behind the cursor if another node served it from newer ones; then nothing is read.
 *
 * @throws OnhandError `parameter_invalid` for too many suppliers, `cursor_expired` if changes that the reader has not
 *   read have been dropped
 */
export function planReading({ cursor, supplierIds, heads, limit }: PlanRequest): Plan {
  refuseTooMany(supplierIds);
  const { left, entered, sequences } = compareSuppliers(cursor, supplierIds, heads);
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

/** The cursor after changes up to these sequences were read, in this order. */
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
 * Rejects a cursor that is ahead of the database, which was then restored from an older backup. The reader would
 * silently miss what has been written since.
 *
 * @param heads read after the cursor arrived: a lagging head proves nothing
 * @throws OnhandError `cursor_expired`
 */
export function refuseAhead({ sequences }: Cursor, heads: Heads): void {
  for (const [id, sequence] of sequences) {
    const head = heads.get(id);
    if (head !== undefined && sequence > head.lastSequence) {
      throw expired('is ahead of the database, which was restored from a backup');
    }
  }
}

/** The suppliers that left and entered since the cursor was issued, and the resulting sequences. */
function compareSuppliers(
  { sequences: before }: Cursor,
  supplierIds: readonly number[],
  heads: Heads,
): Pick<Plan, 'left' | 'entered'> & { readonly sequences: ReadonlyMap<number, number> } {
  const visible = new Set(supplierIds);
  const sequences = new Map<number, number>();
  const left: SupplierSequence[] = [];
  const entered: SupplierSequence[] = [];
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
      throw expired('is older than the oldest stored change');
    }
    const count = head.lastSequence - afterSequence;
    if (count > 0) backlogs.push({ supplierId, afterSequence, count });
  }
  return backlogs;
}

/** In ascending order of supplier, beginning after the one that was read last. */
function inTurn(backlogs: readonly PlannedRead[], turn: number): readonly PlannedRead[] {
  const ascending = backlogs.toSorted((a, b) => a.supplierId - b.supplierId);
  const next = ascending.findIndex(({ supplierId }) => supplierId > turn);
  return next < 0 ? ascending : [...ascending.slice(next), ...ascending.slice(0, next)];
}

/** Gives each the same share; what short backlogs leave goes to the long ones. */
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
    `The request covers ${count} suppliers; at most ${SUPPLIERS_FOLLOWED_MAX} can be followed at once. ` +
      'Choose some of them with supplier_uuids.',
  );
}

function expired(why: string): OnhandError {
  return new OnhandError(
    'cursor_expired',
    `The cursor ${why}. Start again: read with from=now, keep the cursor of that response, read the ` +
      'list of SKUs, and continue from that cursor.',
  );
}
