import { hasNewerAsOf, type BatchChange, type SkuState } from '../../../domain/batch-decision.ts';
import type { Inventory } from '../../../domain/inventory.ts';
import { hasValues, type Column, type WriteStatement } from './statement.ts';

/** The columns of inventory's fields, in the order of `InventoryValues`. */
export const FIELD_COLUMNS = [
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const;

/** A row's fields, as `FIELD_COLUMNS` selects them. */
export type InventoryValues = [
  quantityInStock: number | null,
  quantityOnBackorder: number | null,
  backorderDate: number | null,
  restrictions: number | null,
];

export function inventoryOf([
  quantityInStock,
  quantityOnBackorder,
  backorderDate,
  restrictions,
]: Readonly<InventoryValues>): Inventory {
  return { quantityInStock, quantityOnBackorder, backorderDate, restrictions };
}

/** Of when a row says its inventory is, in microseconds since 1970-01-01T00:00Z. */
export const AS_OF_US = 'coalesce(as_of_us, updated_at_ms * 1000)';

/** Columns of inventory's fields, one row a SKU. */
export function fieldColumns(prefix: string, inventories: readonly Inventory[]): readonly Column[] {
  const column = (field: string, values: readonly (number | null)[]): Column => ({
    name: `${prefix}${field}`,
    type: 'integer',
    values,
  });
  return [
    column(
      FIELD_COLUMNS[0],
      inventories.map(({ quantityInStock }) => quantityInStock),
    ),
    column(
      FIELD_COLUMNS[1],
      inventories.map(({ quantityOnBackorder }) => quantityOnBackorder),
    ),
    column(
      FIELD_COLUMNS[2],
      inventories.map(({ backorderDate }) => backorderDate),
    ),
    column(
      FIELD_COLUMNS[3],
      inventories.map(({ restrictions }) => restrictions),
    ),
  ];
}

/** What a batch changed: its changes have the sequences from this one on, up to those of the next batch. */
export interface ChangesOfBatch {
  readonly batchNumber: number;
  readonly firstSequence: number;
  readonly changes: readonly BatchChange[];
}

/**
 * Writes changes, and the rows of the SKUs that they changed: what the last change of each left. The
 * columns are sent once for both.
 *
 * @param isNew whether the row of a SKU is written elsewhere, since there is none yet
 */
export function writeChanges(
  statement: WriteStatement,
  supplierId: number,
  batches: readonly ChangesOfBatch[],
  nowMs: number,
  isNew: (held: SkuState) => boolean = () => false,
): void {
  // Neighbours share a page: in the order of their numbers, each page is visited once.
  const sorted = batches
    .flatMap(({ changes }) => changes)
    .sort((a, b) => a.held.skuNumber - b.held.skuNumber);
  if (sorted.length === 0) return;
  const isRowWritten = (change: BatchChange): boolean =>
    change.sequence === change.held.lastSequence && !isNew(change.held);
  const isRow = sorted.map((change) => (isRowWritten(change) ? 1 : 0));
  const all: readonly Column[] = [
    { name: 'sku_number', type: 'bigint', values: sorted.map(({ held }) => held.skuNumber) },
    { name: 'sequence', type: 'bigint', values: sorted.map(({ sequence }) => sequence) },
    {
      name: 'previous_sequence',
      type: 'bigint',
      values: sorted.map(({ previousSequence }) => previousSequence),
    },
    {
      name: 'batch_number',
      type: 'bigint',
      values: sorted.map(({ sequence }) => batchNumberOf(batches, sequence)),
    },
    ...fieldColumns(
      'before_',
      sorted.map(({ before }) => before),
    ),
    ...fieldColumns(
      'after_',
      sorted.map(({ after }) => after),
    ),
  ];
  const columns = all.filter((column) => hasValues(column));
  const names = columns.map(({ name }) => name);
  const asOf: Column = {
    name: 'as_of_us',
    type: 'bigint',
    values: sorted.map(({ held }) => (typeof held.asOfUs === 'number' ? held.asOfUs : null)),
  };
  const rowFlags: Column = { name: 'is_row', type: 'integer', values: isRow };
  const sent = [
    ...columns,
    ...(hasValues(asOf) ? [asOf] : []),
    ...(isRow.includes(0) ? [rowFlags] : []),
  ];
  const sentNames = new Set(sent.map(({ name }) => name));
  const orNull = (name: string): string => (sentNames.has(name) ? `written.${name}` : 'NULL');
  const supplier = statement.value(supplierId, 'integer');
  const rows = statement.rows('written', sent);
  statement.add(
    `INSERT INTO changes (supplier_id, ${names.join(', ')})
     SELECT ${supplier}, ${names.join(', ')} FROM ${rows}`,
  );
  if (!isRow.includes(1)) return;
  const fields = FIELD_COLUMNS.map((field) => `${field} = ${orNull(`after_${field}`)}`);
  statement.add(
    `UPDATE inventory SET ${fields.join(', ')}, last_sequence = written.sequence,
       updated_at_ms = ${statement.value(nowMs, 'bigint')}, as_of_us = ${orNull('as_of_us')}
     FROM ${rows}
     WHERE inventory.supplier_id = ${supplier} AND inventory.sku_number = written.sku_number
       ${sentNames.has('is_row') ? 'AND written.is_row = 1' : ''}`,
  );
}

function batchNumberOf(batches: readonly ChangesOfBatch[], sequence: number): number {
  const batch = batches.findLast(({ firstSequence }) => firstSequence <= sequence);
  if (batch === undefined) throw new Error(`change ${sequence} is of no batch`);
  return batch.batchNumber;
}

/** Writes of which SKUs a batch has confirmed the inventory as of later than was known. */
export function writeConfirmations(
  statement: WriteStatement,
  supplierId: number,
  held: Iterable<SkuState>,
): void {
  const skuNumbers: number[] = [];
  const asOfUs: number[] = [];
  for (const sku of held) {
    if (!hasNewerAsOf(sku) || typeof sku.asOfUs !== 'number') continue;
    skuNumbers.push(sku.skuNumber);
    asOfUs.push(sku.asOfUs);
  }
  if (skuNumbers.length === 0) return;
  const rows = statement.rows('written', [
    { name: 'sku_number', type: 'bigint', values: skuNumbers },
    { name: 'as_of_us', type: 'bigint', values: asOfUs },
  ]);
  statement.add(
    `UPDATE inventory SET as_of_us = written.as_of_us FROM ${rows}
     WHERE inventory.supplier_id = ${statement.value(supplierId, 'integer')}
       AND inventory.sku_number = written.sku_number`,
  );
}
