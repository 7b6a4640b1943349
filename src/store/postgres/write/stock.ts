import type { PoolClient } from 'pg';
import {
  newSkuState,
  type SkuState,
  type Stock,
  type SupplierHead,
} from '../../../domain/batch-decision.ts';
import { NOTHING_KNOWN } from '../../../domain/inventory.ts';
import type { Lines } from '../../../domain/lines.ts';
import { int8Array } from '../connection/arrays.ts';
import { AS_OF_US, FIELD_COLUMNS, type InventoryValues } from './inventory-rows.ts';
import { NamedSkus } from './named-skus.ts';
import type { WriteStatement } from './statement.ts';

const COLUMNS = ['sku_number', ...FIELD_COLUMNS, 'last_sequence']
  .map((column) => `held.${column}`)
  .join(', ');
/** What is held of a SKU, in the order of `HeldRow`; of `inventory AS held`. */
export const HELD_COLUMNS = `${COLUMNS}, NULL`;
/** With of when it is. */
export const HELD_COLUMNS_AS_OF = `${COLUMNS}, ${AS_OF_US}`;

export type HeldRow = [
  skuNumber: number,
  ...fields: InventoryValues,
  lastSequence: number,
  asOfUs: number | null,
];

/** With the place of the identifier that means it. */
type FoundRow = [...held: HeldRow, place: number];

interface HeadRow {
  readonly sku_count: number;
  readonly live_count: number;
  readonly last_sequence: number;
  readonly last_batch_number: number;
  readonly breaker_percent_max: number | null;
  readonly breaker_skus_min: number | null;
}

/** How the names of SKUs are known, which most batches never ask for. */
interface Names {
  readonly skuId: string;
  readonly uuid: string;
}

/**
 * A supplier and its SKUs as the transaction under way sees them: what it has read, and what it has made of
 * that and not yet written.
 *
 * What is read comes first and all at once: nothing of the supplier can change before the transaction ends,
 * since it holds the lock of the supplier's row.
 */
export class TransactionStock {
  readonly supplierId: number;
  readonly #client: PoolClient;
  readonly #held = new Map<number, SkuState>();
  readonly #asOfUs = new Map<number, number>();
  readonly #names = new Map<number, Names>();
  #head: SupplierHead | undefined;

  constructor(client: PoolClient, supplierId: number) {
    this.#client = client;
    this.supplierId = supplierId;
  }

  /**
   * Waits for whoever writes of this supplier, and reads its row. What is read by statements sent after
   * this one is what they left; it must not be this statement itself, whose view is older than its lock.
   */
  async lock(): Promise<void> {
    const { rows } = await this.#client.query<HeadRow>(
      `SELECT sku_count, live_count, last_sequence, last_batch_number, breaker_percent_max, breaker_skus_min
       FROM suppliers WHERE id = $1 FOR NO KEY UPDATE`,
      [this.supplierId],
    );
    const [row] = rows;
    if (row === undefined) throw new Error(`there is no supplier ${this.supplierId}`);
    const { breaker_percent_max: percentMax, breaker_skus_min: skusMin } = row;
    this.#head = {
      skuCount: row.sku_count,
      liveCount: row.live_count,
      lastSequence: row.last_sequence,
      lastBatchNumber: row.last_batch_number,
      breaker: percentMax === null || skusMin === null ? null : { percentMax, skusMin },
    };
  }

  get head(): SupplierHead {
    if (this.#head === undefined) throw new Error('the supplier was not locked yet');
    return this.#head;
  }

  /** Looks up what was gathered, and takes hold of the SKUs that are found. */
  async load(named: NamedSkus, withAsOf: boolean): Promise<void> {
    const columns = withAsOf ? HELD_COLUMNS_AS_OF : HELD_COLUMNS;
    const statements = named.statements(this.supplierId, columns);
    await Promise.all(
      statements.map(async ({ text, values, setFound }) => {
        const { rows } = await this.#client.query<FoundRow>({
          text,
          values: [...values],
          rowMode: 'array',
        });
        for (const row of rows) {
          setFound(row[7], row[0]);
          this.holdRow(row);
        }
      }),
    );
    named.sort();
  }

  holdRow(row: Readonly<HeldRow> | Readonly<FoundRow>): SkuState {
    const skuNumber = row[0];
    const known = this.#held.get(skuNumber);
    if (known !== undefined) return known;
    const inventory = {
      quantityInStock: row[1],
      quantityOnBackorder: row[2],
      backorderDate: row[3],
      restrictions: row[4],
    };
    const [, , , , , lastSequence, asOfUs] = row;
    const held = newSkuState(skuNumber, inventory, lastSequence);
    this.#held.set(skuNumber, held);
    if (asOfUs !== null) this.#asOfUs.set(skuNumber, asOfUs);
    return held;
  }

  /** A SKU that the transaction under way creates. */
  holdNew(skuNumber: number): SkuState {
    const held = newSkuState(skuNumber, NOTHING_KNOWN, 0);
    this.#held.set(skuNumber, held);
    return held;
  }

  skuState(skuNumber: number): SkuState {
    const held = this.#held.get(skuNumber);
    if (held === undefined) throw new Error(`SKU ${this.#shown(skuNumber)} was not loaded`);
    return held;
  }

  /** Of when the row of a SKU says its inventory is, where that was loaded. */
  storedAsOfUs(skuNumber: number): number {
    const asOfUs = this.#asOfUs.get(skuNumber);
    if (asOfUs === undefined)
      throw new Error(`of when SKU ${this.#shown(skuNumber)} is was not loaded`);
    return asOfUs;
  }

  /** The SKUs that lines name, for deciding them. */
  ofLines(named: NamedSkus, lines: Lines): Stock {
    return {
      resolve: (i) => named.resolve(lines, i),
      skuState: (skuNumber) => this.skuState(skuNumber),
      storedAsOfUs: (skuNumber) => this.storedAsOfUs(skuNumber),
    };
  }

  /** The SKUs of which it is known of when they are: no other's time can have been confirmed. */
  *heldAsOf(): Iterable<SkuState> {
    for (const skuNumber of this.#asOfUs.keys()) yield this.skuState(skuNumber);
  }

  /** Lets go of a SKU that was written meanwhile. */
  release(skuNumber: number): void {
    this.#held.delete(skuNumber);
    this.#asOfUs.delete(skuNumber);
  }

  /** Reads what SKUs are called. */
  async loadNames(skuNumbers: ReadonlySet<number>): Promise<void> {
    if (skuNumbers.size === 0) return;
    const { rows } = await this.#client.query<[skuNumber: number, skuId: string, uuid: string]>({
      text: `SELECT sku_number, sku_id, uuid FROM skus
        WHERE supplier_id = $1 AND sku_number = ANY($2::bigint[])`,
      values: [this.supplierId, int8Array([...skuNumbers])],
      rowMode: 'array',
    });
    for (const [skuNumber, skuId, uuid] of rows) this.#names.set(skuNumber, { skuId, uuid });
  }

  skuIdOf(skuNumber: number): string {
    return this.#namesOf(skuNumber).skuId;
  }

  skuUuidOf(skuNumber: number): string {
    return this.#namesOf(skuNumber).uuid;
  }

  #namesOf(skuNumber: number): Names {
    const names = this.#names.get(skuNumber);
    if (names === undefined) throw new Error(`SKU ${this.#shown(skuNumber)} was not named`);
    return names;
  }

  #shown(skuNumber: number): string {
    return `${skuNumber} of supplier ${this.supplierId}`;
  }

  writeHead(statement: WriteStatement): void {
    const { skuCount, liveCount, lastSequence, lastBatchNumber } = this.head;
    statement.add(
      `UPDATE suppliers SET sku_count = ${statement.value(skuCount, 'bigint')},
         live_count = ${statement.value(liveCount, 'bigint')},
         last_sequence = ${statement.value(lastSequence, 'bigint')},
         last_batch_number = ${statement.value(lastBatchNumber, 'bigint')}
       WHERE id = ${statement.value(this.supplierId, 'integer')}`,
    );
  }
}
