/**
 * Changes on their way from the reader's thread: columns, since a thread hands over ten thousand nested
 * objects ten times as slowly as their numbers and texts.
 */
import type { Change, NamedSupplier } from '../../domain/changes.ts';
import type { Inventory } from '../../domain/inventory.ts';

export interface ChangeColumns {
  /** Of all changes: they are of one supplier. Undefined where there is no change. */
  readonly supplier: NamedSupplier | undefined;
  readonly sequences: Float64Array;
  /** Per change: the place of its batch in `batches`. */
  readonly batchPlaces: Uint32Array;
  readonly batches: readonly BatchOfChanges[];
  /** Per change: its SKU's uuid, its sku_id, and its other identifiers. */
  readonly texts: readonly (string | null)[];
  /** Per change: the fields before, then those after; `NULL` for null. */
  readonly fields: Int32Array;
}

interface BatchOfChanges {
  readonly uuid: string;
  readonly changedAtMs: number;
  readonly reason: string | null;
}

const NULL = -1;
const FIELDS = 8;
const TEXTS = 8;

/** @param changes of one supplier */
export function packChanges(changes: readonly Change[]): ChangeColumns {
  const sequences = new Float64Array(changes.length);
  const batchPlaces = new Uint32Array(changes.length);
  const batches: BatchOfChanges[] = [];
  const texts: (string | null)[] = [];
  const fields = new Int32Array(changes.length * FIELDS);
  for (const [
    i,
    { sequence, batchUuid, changedAtMs, reason, sku, ...change },
  ] of changes.entries()) {
    sequences[i] = sequence;
    // Changes come in the order of their batches.
    if (batches.at(-1)?.uuid !== batchUuid) batches.push({ uuid: batchUuid, changedAtMs, reason });
    batchPlaces[i] = batches.length - 1;
    const { upca, ean13, gtin14, isbn, asin, mpn } = sku.identifiers;
    texts.push(sku.uuid, sku.skuId, upca, ean13, gtin14, isbn, asin, mpn);
    packInventory(fields, i * FIELDS, change.before);
    packInventory(fields, i * FIELDS + FIELDS / 2, change.after);
  }
  return { supplier: changes[0]?.supplier, sequences, batchPlaces, batches, texts, fields };
}

function packInventory(fields: Int32Array, at: number, inventory: Inventory): void {
  fields[at] = inventory.quantityInStock ?? NULL;
  fields[at + 1] = inventory.quantityOnBackorder ?? NULL;
  fields[at + 2] = inventory.backorderDate ?? NULL;
  fields[at + 3] = inventory.restrictions ?? NULL;
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
