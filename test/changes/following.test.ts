import type { ChangeHead } from '../../src/domain/changes.ts';
import { expect, test } from 'vitest';
import {
  EMPTY_CURSOR,
  parseCursor,
  printCursor,
  type Cursor,
  type CursorSeal,
} from '../../src/changes/cursor.ts';
import { cursorAfter, cursorAtNow, planReading, type Heads } from '../../src/changes/read-plan.ts';
import { Random } from '../random.ts';

const SUPPLIER_IDS = [3, 4, 9, 200, 70_000];
const SEAL: CursorSeal = { key: Buffer.alloc(32, 1), readerId: 5 };

/** Suppliers with changes, and connections that are created and removed. */
class Source {
  readonly #last = new Map(SUPPLIER_IDS.map((id) => [id, 0]));
  readonly #connected = new Set(SUPPLIER_IDS.slice(0, 2));

  append(id: number, count: number): void {
    this.#last.set(id, this.lastOf(id) + count);
  }

  lastOf(id: number): number {
    return this.#last.get(id) ?? 0;
  }

  toggle(id: number): void {
    if (!this.#connected.delete(id)) this.#connected.add(id);
  }

  get supplierIds(): readonly number[] {
    return [...this.#connected];
  }

  /** Some heads are current and some are stale, because every node polls separately. */
  heads(random: Random): Heads {
    return new Map(
      SUPPLIER_IDS.map((id): readonly [number, ChangeHead] => {
        const lag = random.chance(0.3) ? random.below(5) : 0;
        return [id, { lastSequence: Math.max(0, this.lastOf(id) - lag), oldestSequence: 1 }];
      }),
    );
  }

  freshHeads(): Heads {
    return new Map(
      SUPPLIER_IDS.map((id) => [id, { lastSequence: this.lastOf(id), oldestSequence: 1 }]),
    );
  }
}

/** A reader that stores what it saw, loses responses, and sometimes resumes from an older cursor. */
class Reader {
  /** The stored records and their cursor, as if written in one transaction. */
  #kept: { readonly cursor: string; readonly seen: ReadonlyMap<number, number> };
  readonly #complaints: string[] = [];

  constructor(cursor: string, seen: ReadonlyMap<number, number>) {
    this.#kept = { cursor, seen };
  }

  get complaints(): readonly string[] {
    return this.#complaints;
  }

  get seen(): ReadonlyMap<number, number> {
    return this.#kept.seen;
  }

  /** Reads once. Returns whether there is more. */
  read(source: Source, heads: Heads, random: Random, crashes: boolean): boolean {
    const seen = new Map(this.#kept.seen);
    const plan = planReading({
      cursor: parseCursor(this.#kept.cursor, SEAL),
      supplierIds: source.supplierIds,
      heads,
      limit: 1 + random.below(12),
    });
    for (const { supplierId } of plan.left) seen.delete(supplierId);
    for (const { supplierId, sequence } of plan.entered) seen.set(supplierId, sequence);
    // A response may contain less than planned, because its size is limited, too.
    const answered = plan.reads.slice(0, 1 + random.below(plan.reads.length + 1));
    let isCut = answered.length < plan.reads.length;
    const done = answered.map(({ supplierId, afterSequence, count }) => {
      const taken = 1 + random.below(count);
      isCut ||= taken < count;
      for (let i = 1; i <= taken; i += 1) this.#see(seen, source, supplierId, afterSequence + i);
      return { supplierId, lastSequence: afterSequence + taken };
    });
    // A reader that crashes loses the records it has just read and their cursor.
    if (!crashes) {
      this.#kept = { cursor: printCursor(cursorAfter(plan.cursor, done), SEAL), seen };
    }
    return plan.hasMore || isCut;
  }

  #see(seen: Map<number, number>, source: Source, id: number, sequence: number): void {
    const before = seen.get(id);
    if (before === undefined) this.#complaints.push(`${id} was never entered`);
    else if (sequence !== before + 1) this.#complaints.push(`${id}: ${sequence} after ${before}`);
    if (sequence > source.lastOf(id)) this.#complaints.push(`${id}: ${sequence} is not there`);
    seen.set(id, sequence);
  }
}

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);

test.for(SEEDS)(
  'a reader that crashes and resumes sees every change in order (seed %i)',
  (seed) => {
    const random = new Random(seed);
    const source = new Source();
    const start = cursorAtNow(source.supplierIds, source.freshHeads());
    const reader = new Reader(printCursor(start, SEAL), start.sequences);
    for (let step = 0; step < 400; step += 1) {
      if (random.chance(0.5)) source.append(random.pick(SUPPLIER_IDS), 1 + random.below(9));
      if (random.chance(0.02)) source.toggle(random.pick(SUPPLIER_IDS));
      reader.read(source, source.heads(random), random, random.chance(0.2));
    }
    let answers = 0;
    while (reader.read(source, source.freshHeads(), random, false)) {
      answers += 1;
      expect(answers).toBeLessThan(10_000);
    }
    reader.read(source, source.freshHeads(), random, false);
    expect(reader.complaints).toEqual([]);
    const expected = source.supplierIds.map((id) => [id, source.lastOf(id)] as const);
    expect(new Map(reader.seen)).toEqual(new Map(expected));
  },
);

test('a supplier with an endless backlog does not starve the others', () => {
  const random = new Random(1);
  const ids = Array.from({ length: 50 }, (_, i) => i + 1);
  const last = new Map(ids.map((id) => [id, 1000]));
  let cursor: Cursor = { ...EMPTY_CURSOR, sequences: new Map(ids.map((id) => [id, 0])) };
  const lastServedAt = new Map(ids.map((id) => [id, 0]));
  for (let round = 1; round <= 200; round += 1) {
    last.set(7, (last.get(7) ?? 0) + 1000);
    const heads = new Map(
      [...last].map(([id, sequence]) => [id, { lastSequence: sequence, oldestSequence: 1 }]),
    );
    const plan = planReading({ cursor, supplierIds: ids, heads, limit: 1 + random.below(9) });
    const done = plan.reads.map(({ supplierId, afterSequence, count }) => ({
      supplierId,
      lastSequence: afterSequence + count,
    }));
    for (const { supplierId } of done) {
      expect(round - (lastServedAt.get(supplierId) ?? 0)).toBeLessThanOrEqual(ids.length);
      lastServedAt.set(supplierId, round);
    }
    cursor = cursorAfter(plan.cursor, done);
  }
  for (const [, round] of lastServedAt) expect(200 - round).toBeLessThanOrEqual(ids.length);
});
