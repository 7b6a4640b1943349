import type { Database, Statement } from 'better-sqlite3';
import {
  newSkuState,
  type SkuState,
  type Stock,
  type SupplierHead,
} from '../../../domain/batch-decision.ts';
import { GTIN_FORMS } from '../../../domain/gtin.ts';
import { NOTHING_KNOWN } from '../../../domain/inventory.ts';
import {
  CANDIDATES_NAMED_MAX,
  gtinsOfLine,
  skuIdCanExist,
  skuIdOfLine,
  type Lines,
} from '../../../domain/lines.ts';
import type { SequenceRange } from '../recent/feed.ts';
import type { WriterInventory } from '../recent/writer-inventory.ts';
import type { InventoryCache } from './inventory-cache.ts';
import { StagedChanges } from './staged-changes.ts';
import { skuKey } from '../schema/migrations.ts';

/**
 * Selects the SKUs of a supplier that hold a GTIN and a number of others, oldest first. The limit matters:
 * a placeholder GTIN may be on every SKU of a catalogue.
 */
function selectHolders(others: number): string {
  const alsoHolds = `
    AND EXISTS (SELECT 1 FROM gtins AS other
      WHERE other.supplier_id = ? AND other.gtin = ? AND other.sku_number = gtins.sku_number)`;
  return `SELECT sku_number FROM gtins WHERE supplier_id = ? AND gtin = ? ${alsoHolds.repeat(others)}
    ORDER BY sku_number LIMIT ${CANDIDATES_NAMED_MAX}`;
}

type InventoryRow = [
  quantityInStock: number | null,
  quantityOnBackorder: number | null,
  backorderDate: number | null,
  restrictions: number | null,
  lastSequence: number,
];

type HeadRow = [
  skuCount: number,
  retiredCount: number,
  liveCount: number,
  lastSequence: number,
  lastBatchNumber: number,
  breakerPercentMax: number | null,
  breakerSkusMin: number | null,
  stagedSequence: number,
];

/**
 * Suppliers and SKUs as the current transaction sees them: loaded rows with its unwritten changes. Statements
 * are prepared once per connection.
 */
export class TransactionSkus {
  readonly #cache: InventoryCache;
  readonly #inventory: WriterInventory;
  readonly #staged: StagedChanges;
  readonly #headOf: Statement<[number], HeadRow>;
  readonly #numberOfSkuId: Statement<[number, string], [number]>;
  /** Element *n* - 1 finds the SKUs that hold all of *n* GTINs. */
  readonly #numbersOfGtins: readonly Statement<number[], [number]>[];
  readonly #allHolders: Statement<[number, number], [number]>;
  readonly #holdsGtin: Statement<[number, number, number], [number]>;
  readonly #skuIdOf: Statement<[number], [string]>;
  readonly #inventoryOf: Statement<[number], InventoryRow>;
  readonly #asOfOf: Statement<[number], [lastSequence: number, asOfUs: number]>;

  readonly #heads = new Map<number, SupplierHead>();
  readonly #sequencesBefore = new Map<number, number>();
  /** By supplier, then by number: small integers, which a map finds in a third of the time that keys take. */
  readonly #held = new Map<number, Map<number, SkuState>>();

  constructor(db: Database, cache: InventoryCache, inventory: WriterInventory) {
    this.#cache = cache;
    this.#inventory = inventory;
    this.#staged = new StagedChanges(db);
    this.#headOf = db
      .prepare<[number], HeadRow>(
        `SELECT sku_count, retired_count, live_count, last_sequence, last_batch_number, breaker_percent_max,
           breaker_skus_min, staged_sequence
         FROM suppliers WHERE id = ?`,
      )
      .raw();
    this.#numberOfSkuId = db
      .prepare<[number, string], [number]>(
        'SELECT key & 0xffffffff FROM skus WHERE supplier_id = ? AND sku_id = ?',
      )
      .raw();
    this.#numbersOfGtins = GTIN_FORMS.map((_, others) =>
      db.prepare<number[], [number]>(selectHolders(others)).raw(),
    );
    this.#allHolders = db
      .prepare<[number, number], [number]>(
        'SELECT sku_number FROM gtins WHERE supplier_id = ? AND gtin = ?',
      )
      .raw();
    this.#holdsGtin = db
      .prepare<[number, number, number], [number]>(
        'SELECT 1 FROM gtins WHERE supplier_id = ? AND gtin = ? AND sku_number = ?',
      )
      .raw();
    this.#skuIdOf = db.prepare<[number], [string]>('SELECT sku_id FROM skus WHERE key = ?').raw();
    this.#inventoryOf = db
      .prepare<[number], InventoryRow>(
        `SELECT quantity_in_stock, quantity_on_backorder, backorder_date, restrictions, last_sequence
         FROM inventory WHERE key = ?`,
      )
      .raw();
    this.#asOfOf = db
      .prepare<[number], [number, number]>(
        'SELECT last_sequence, coalesce(as_of_us, updated_at_ms * 1000) FROM inventory WHERE key = ?',
      )
      .raw();
  }

  /** Forgets what an earlier transaction held: to be called when one begins. */
  begin(): void {
    this.#heads.clear();
    this.#sequencesBefore.clear();
    this.#held.clear();
  }

  /** The supplier's row. */
  head(supplierId: number): SupplierHead {
    const known = this.#heads.get(supplierId);
    if (known !== undefined) return known;
    const row = this.#headOf.get(supplierId);
    if (row === undefined) throw new Error(`no supplier ${supplierId}`);
    const [skuCount, retiredCount, liveCount, lastSequence, lastBatchNumber, ...limit] = row;
    const [percentMax, skusMin, staged] = limit;
    // An interrupted batch left them where this one writes.
    if (staged > 0) this.#staged.remove(supplierId, Infinity);
    const breaker = percentMax === null || skusMin === null ? null : { percentMax, skusMin };
    const head = { skuCount, retiredCount, liveCount, lastSequence, lastBatchNumber, breaker };
    this.#heads.set(supplierId, head);
    this.#sequencesBefore.set(supplierId, lastSequence);
    return head;
  }

  /** The sequences of the suppliers whose rows were read. */
  sequenceRanges(): readonly SequenceRange[] {
    return [...this.#heads].map(([supplierId, { lastSequence }]) => ({
      supplierId,
      before: this.#sequencesBefore.get(supplierId) ?? 0,
      after: lastSequence,
    }));
  }

  heads(): Iterable<[supplierId: number, head: SupplierHead]> {
    return this.#heads;
  }

  /** Access to the SKUs that lines name, for `BatchDecision`. */
  ofLines(supplierId: number, lines: Lines): Stock {
    return {
      resolve: (i) => this.#resolve(supplierId, lines, i),
      bySkuId: (i) => {
        const skuId = this.#namedSkuId(supplierId, lines, i);
        const skuNumber = skuId === null ? undefined : this.#skuNumberOf(supplierId, skuId);
        return skuNumber === undefined ? [] : [skuNumber];
      },
      skuState: (skuNumber) => this.skuState(supplierId, skuNumber),
      storedAsOfUs: (skuNumber) => this.storedAsOfUs(supplierId, skuNumber),
    };
  }

  #heldBy(supplierId: number): Map<number, SkuState> {
    const known = this.#held.get(supplierId);
    if (known !== undefined) return known;
    const held = new Map<number, SkuState>();
    this.#held.set(supplierId, held);
    return held;
  }

  /**
   * The numbers of the SKUs that line `i` matches: by its `sku_id`, if it has one, and every GTIN it names.
   * At most as many as a result names.
   */
  #resolve(supplierId: number, lines: Lines, i: number): readonly number[] {
    const gtins = gtinsOfLine(lines, i);
    const skuId = this.#namedSkuId(supplierId, lines, i);
    if (skuId !== null) {
      const skuNumber = this.#skuNumberOf(supplierId, skuId);
      if (skuNumber === undefined) return [];
      return gtins.every((gtin) => this.#holds(supplierId, gtin, skuNumber)) ? [skuNumber] : [];
    }
    return gtins.length === 1
      ? this.#holdersOfOne(supplierId, gtins[0] ?? 0)
      : this.#holdersOfAll(supplierId, gtins);
  }

  #namedSkuId(supplierId: number, lines: Lines, i: number): string | null {
    return skuIdOfLine(lines, i, (one) => this.#skuNumberOf(supplierId, one) !== undefined);
  }

  #holdersOfOne(supplierId: number, gtin: number): readonly number[] {
    const known = this.#cache.gtins.find(supplierId, String(gtin));
    if (known !== undefined) return [known];
    const holders = this.#holdersOfAll(supplierId, [gtin]);
    const [only, another] = holders;
    if (only !== undefined && another === undefined) {
      this.#cache.gtins.add(supplierId, String(gtin), only);
    }
    return holders;
  }

  #holdersOfAll(supplierId: number, gtins: Iterable<number>): readonly number[] {
    const parameters: number[] = [];
    for (const gtin of gtins) parameters.push(supplierId, gtin);
    const holders = this.#numbersOfGtins[parameters.length / 2 - 1];
    return holders === undefined ? [] : holders.all(...parameters).map(([number]) => number);
  }

  /** Looks in the cache first. Only committed numbers may be cached. */
  #skuNumberOf(supplierId: number, skuId: string): number | undefined {
    const known = this.#cache.skuIds.find(supplierId, skuId);
    if (known !== undefined) return known;
    const found = this.findSkuNumber(supplierId, skuId);
    if (found !== undefined) this.#cache.skuIds.add(supplierId, skuId, found);
    return found;
  }

  findSkuNumber(supplierId: number, skuId: string): number | undefined {
    return skuIdCanExist(skuId) ? this.#numberOfSkuId.get(supplierId, skuId)?.[0] : undefined;
  }

  #holds(supplierId: number, gtin: number, skuNumber: number): boolean {
    return (
      this.#cache.gtins.find(supplierId, String(gtin)) === skuNumber ||
      this.#holdsGtin.get(supplierId, gtin, skuNumber) !== undefined
    );
  }

  /** Every SKU that has any of the identifiers of line `i`. */
  namedBy(supplierId: number, lines: Lines, i: number): readonly number[] {
    const skuId = this.#namedSkuId(supplierId, lines, i);
    const bySkuId = skuId === null ? undefined : this.#skuNumberOf(supplierId, skuId);
    const byGtin = [...gtinsOfLine(lines, i)].flatMap((gtin) =>
      this.#allHolders.all(supplierId, gtin).map(([number]) => number),
    );
    return bySkuId === undefined ? byGtin : [bySkuId, ...byGtin];
  }

  skuIdOf(supplierId: number, skuNumber: number): string {
    const row = this.#skuIdOf.get(skuKey(supplierId, skuNumber));
    if (row === undefined) throw new Error(`SKU ${skuNumber} of supplier ${supplierId} has no row`);
    return row[0];
  }

  skuState(supplierId: number, skuNumber: number): SkuState {
    const heldBySupplier = this.#heldBy(supplierId);
    const held = heldBySupplier.get(skuNumber);
    if (held !== undefined) return held;
    const key = skuKey(supplierId, skuNumber);
    const known = this.#cache.inventory(key) ?? this.#inventory.find(key);
    const sku =
      known === undefined
        ? this.#read(supplierId, skuNumber)
        : newSkuState(skuNumber, known.inventory, known.lastSequence);
    heldBySupplier.set(skuNumber, sku);
    return sku;
  }

  #read(supplierId: number, skuNumber: number): SkuState {
    const row = this.#inventoryOf.get(skuKey(supplierId, skuNumber));
    if (row === undefined)
      throw new Error(`SKU ${skuNumber} of supplier ${supplierId} has no inventory`);
    const [quantityInStock, quantityOnBackorder, backorderDate, restrictions, lastSequence] = row;
    const inventory = { quantityInStock, quantityOnBackorder, backorderDate, restrictions };
    return newSkuState(skuNumber, inventory, lastSequence);
  }

  /** Adds a SKU that this transaction has created. */
  holdNew(supplierId: number, skuNumber: number): SkuState {
    const held = newSkuState(skuNumber, NOTHING_KNOWN, 0);
    this.#heldBy(supplierId).set(skuNumber, held);
    return held;
  }

  /** The stored timestamp of a SKU's inventory, in microseconds since 1970-01-01T00:00Z. */
  storedAsOfUs(supplierId: number, skuNumber: number): number {
    const key = skuKey(supplierId, skuNumber);
    const row = this.#asOfOf.get(key);
    if (row === undefined)
      throw new Error(`SKU ${skuNumber} of supplier ${supplierId} has no inventory`);
    const [lastSequence, asOfUs] = row;
    const recent = this.#inventory.find(key);
    return recent !== undefined && recent.lastSequence > lastSequence
      ? recent.writtenAtMs * 1000
      : asOfUs;
  }

  /** The SKUs loaded by this transaction, by supplier and number. */
  held(): ReadonlyMap<number, ReadonlyMap<number, SkuState>> {
    return this.#held;
  }

  /** Those of one supplier, by number. */
  heldOf(supplierId: number): ReadonlyMap<number, SkuState> {
    return this.#heldBy(supplierId);
  }

  /** Releases a SKU whose row was written. */
  release(supplierId: number, skuNumber: number): void {
    this.#heldBy(supplierId).delete(skuNumber);
  }
}
