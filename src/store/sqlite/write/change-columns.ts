/**
 * Serializes changes between threads as columns: ten thousand nested objects take ten times as long as their
 * numbers and texts.
 */
import type { Change, NamedSupplier } from '../../../domain/changes.ts';
import type { Inventory } from '../../../domain/inventory.ts';

export interface ChangeColumns {
  /** The supplier of all changes; undefined if it does not exist. */
  readonly supplier: NamedSupplier | undefined;
  readonly sequences: Float64Array;
  /** Per change: the index of its batch in `batches`. */
  readonly batchPlaces: Uint32Array;
  readonly batches: readonly BatchOfChanges[];
  /** Per change: its SKU's uuid, its sku_id, and its other identifiers. */
  readonly texts: readonly (string | null)[];
  /** Per change: the fields before, then those after; `NULL` for null. */
  readonly fields: Int32Array;
}

export interface BatchOfChanges {
  readonly uuid: string;
  readonly changedAtMs: number;
  readonly reason: string | null;
  readonly traceparent: string | null;
}

const NULL = -1;
const FIELDS = 8;
const TEXTS = 8;

type Fields = [
  quantityInStock: number | null,
  quantityOnBackorder: number | null,
  backorderDate: number | null,
  restrictions: number | null,
];

/** A change as it is selected, with the identifiers of its SKU. */
export type ChangeTuple = [
  sequence: number,
  batchNumber: number,
  ...before: Fields,
  ...after: Fields,
  skuUuid: string,
  skuId: string,
  upca: string | null,
  ean13: string | null,
  gtin14: string | null,
  isbn: string | null,
  asin: string | null,
  mpn: string | null,
];
const FIRST_FIELD = 2;
const FIRST_TEXT = FIRST_FIELD + FIELDS;

/**
 * @param rows of one supplier, in order
 * @param batchOf reads a batch by its number; called once per batch
 */
export function packChanges(
  supplier: NamedSupplier | undefined,
  rows: readonly ChangeTuple[],
  batchOf: (batchNumber: number) => BatchOfChanges,
): ChangeColumns {
  const sequences = new Float64Array(rows.length);
  const batchPlaces = new Uint32Array(rows.length);
  const batches: BatchOfChanges[] = [];
  const texts: (string | null)[] = [];
  const fields = new Int32Array(rows.length * FIELDS);
  let lastBatchNumber: number | undefined;
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i];
    if (row === undefined) continue;
    const [sequence, batchNumber] = row;
    sequences[i] = sequence;
    // Changes come in the order of their batches.
    if (batchNumber !== lastBatchNumber) batches.push(batchOf(batchNumber));
    lastBatchNumber = batchNumber;
    batchPlaces[i] = batches.length - 1;
    for (let place = 0; place < FIELDS; place += 1)
      fields[i * FIELDS + place] = numberAt(row, FIRST_FIELD + place);
    for (let place = 0; place < TEXTS; place += 1) texts.push(textAt(row, FIRST_TEXT + place));
  }
  return { supplier, sequences, batchPlaces, batches, texts, fields };
}

function numberAt(row: ChangeTuple, place: number): number {
  const value = row[place];
  return typeof value === 'number' ? value : NULL;
}

function textAt(row: ChangeTuple, place: number): string | null {
  const value = row[place];
  return typeof value === 'string' ? value : null;
}

export function unpackChanges(columns: ChangeColumns): readonly Change[] {
  const { supplier, batches, texts, fields } = columns;
  if (supplier === undefined) return [];
  return Array.from(columns.sequences, (sequence, i) => {
    const batch = batches[columns.batchPlaces[i] ?? 0];
    if (batch === undefined) throw new Error('a change came without its batch');
    const text = (place: number): string | null => texts[i * TEXTS + place] ?? null;
    return {
      supplier,
      sku: {
        uuid: text(0) ?? '',
        skuId: text(1) ?? '',
        identifiers: {
          upca: text(2),
          ean13: text(3),
          gtin14: text(4),
          isbn: text(5),
          asin: text(6),
          mpn: text(7),
        },
      },
      sequence,
      changedAtMs: batch.changedAtMs,
      before: unpackInventory(fields, i * FIELDS),
      after: unpackInventory(fields, i * FIELDS + FIELDS / 2),
      batchUuid: batch.uuid,
      reason: batch.reason,
      traceparent: batch.traceparent,
    };
  });
}

function unpackInventory(fields: Int32Array, at: number): Inventory {
  const field = (place: number): number | null => {
    const value = fields[at + place] ?? NULL;
    return value === NULL ? null : value;
  };
  return {
    quantityInStock: field(0),
    quantityOnBackorder: field(1),
    backorderDate: field(2),
    restrictions: field(3),
  };
}
