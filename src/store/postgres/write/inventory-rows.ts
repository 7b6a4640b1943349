import { hasNewerAsOf, type BatchChange, type SkuState } from '../../../domain/batch-decision.ts';
import type { Steps } from '../../../domain/steps.ts';
import type { Inventory } from '../../../domain/inventory.ts';
import { bigints, hasValues, integers, type Column, type WriteStatement } from './statement.ts';

/** The columns of the inventory fields, in the order of `FieldValues`. */
export const FIELD_COLUMNS = [
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const;

/** The values of `FIELD_COLUMNS`. */
export type FieldValues = [
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
]: Readonly<FieldValues>): Inventory {
  return { quantityInStock, quantityOnBackorder, backorderDate, restrictions };
}

/** The as-of time of an inventory row, in microseconds since the epoch. */
export const AS_OF_US = 'coalesce(as_of_us, updated_at_ms * 1000)';

/** The columns of the inventory fields, taken from rows. */
export function fieldColumns<R>(
  prefix: string,
  rows: readonly R[],
  valueOf: (row: R) => Inventory,
): readonly Column[] {
  return fieldColumnsLater(prefix, rows, valueOf).map((column) => column());
}

/** The same, each to be made when it is needed. */
function fieldColumnsLater<R>(
  prefix: string,
  rows: readonly R[],
  valueOf: (row: R) => Inventory,
): readonly (() => Column)[] {
  const [inStock, onBackorder, backorderDate, restrictions] = FIELD_COLUMNS;
  return [
    () => integers(prefix + inStock, rows, (row) => valueOf(row).quantityInStock),
    () => integers(prefix + onBackorder, rows, (row) => valueOf(row).quantityOnBackorder),
    () => integers(prefix + backorderDate, rows, (row) => valueOf(row).backorderDate),
    () => integers(prefix + restrictions, rows, (row) => valueOf(row).restrictions),
  ];
}

/** The changes of a batch. Their sequences begin at `firstSequence` and end before the next batch's. */
export interface BatchChanges {
  readonly batchNumber: number;
  readonly firstSequence: number;
  readonly changes: readonly BatchChange[];
}

/**
 * Inserts changes, and updates the inventory rows of their SKUs to the last change of each. Both use the
 * same parameters. Pauses after each column.
 *
 * @param isNew whether the SKU has no inventory row yet; the caller inserts it
 */
export function* writingChanges(
  statement: WriteStatement,
  supplierId: number,
  batches: readonly BatchChanges[],
  nowMs: number,
  isNew: (held: SkuState) => boolean = () => false,
): Steps<void> {
  // In key order, each page of the inventory table is visited once.
  const changes = batches
    .flatMap((batch) => batch.changes)
    .sort((a, b) => a.held.skuNumber - b.held.skuNumber);
  if (changes.length === 0) return;
  yield;
  const changeColumns: Column[] = [];
  for (const make of [
    () => bigints('sku_number', changes, ({ held }) => held.skuNumber),
    () => bigints('sequence', changes, ({ sequence }) => sequence),
    () => bigints('previous_sequence', changes, ({ previousSequence }) => previousSequence),
    () => bigints('batch_number', changes, ({ sequence }) => batchNumberOf(batches, sequence)),
    ...fieldColumnsLater('before_', changes, ({ before }) => before),
    ...fieldColumnsLater('after_', changes, ({ after }) => after),
  ]) {
    const column = make();
    if (hasValues(column)) changeColumns.push(column);
    yield;
  }
  const names = changeColumns.map(({ name }) => name).join(', ');
  const asOf = bigints('as_of_us', changes, ({ held }) =>
    typeof held.asOfUs === 'number' ? held.asOfUs : null,
  );
  const updatesRow = changes.map(
    ({ sequence, held }) => sequence === held.lastSequence && !isNew(held),
  );
  yield;
  const isEveryRowUpdated = !updatesRow.includes(false);
  const sent = [
    ...changeColumns,
    ...(hasValues(asOf) ? [asOf] : []),
    ...(isEveryRowUpdated ? [] : [integers('updates_row', updatesRow, Number)]),
  ];
  const sentNames = new Set(sent.map(({ name }) => name));
  const valueOrNull = (name: string): string => (sentNames.has(name) ? `written.${name}` : 'NULL');
  const supplier = statement.value(supplierId, 'integer');
  const rows = yield* statement.addingRows('written', sent);
  statement.add(
    `INSERT INTO changes (supplier_id, ${names})
     SELECT ${supplier}, ${names} FROM ${rows}`,
  );
  if (!updatesRow.includes(true)) return;
  updateByKey(
    statement,
    'inventory',
    `SELECT ${supplier}, written.sku_number, written.sequence, ${statement.value(nowMs, 'bigint')},
       ${valueOrNull('as_of_us')}, ${FIELD_COLUMNS.map((field) => valueOrNull(`after_${field}`)).join(', ')}
     FROM ${rows} ${isEveryRowUpdated ? '' : 'WHERE written.updates_row = 1'}`,
    ['last_sequence', 'updated_at_ms', 'as_of_us', ...FIELD_COLUMNS],
  );
}

/**
 * Updates rows of SKUs that exist. As an insert with a conflict on the primary key, because the planner of an
 * `UPDATE … FROM` chooses which side to loop over, by statistics that may be wrong (../lookups.ts).
 *
 * @param rows selects the supplier, the number of the SKU, and the columns
 * @param fixed columns that an insert requires, selected last and left as they are
 */
export function updateByKey(
  statement: WriteStatement,
  table: 'inventory' | 'skus',
  rows: string,
  columns: readonly string[],
  fixed: readonly string[] = [],
): void {
  const names = ['supplier_id', 'sku_number', ...columns, ...fixed].join(', ');
  const set = columns.map((column) => `${column} = excluded.${column}`).join(', ');
  statement.add(
    `INSERT INTO ${table} (${names}) ${rows}
     ON CONFLICT (supplier_id, sku_number) DO UPDATE SET ${set}`,
  );
}

function batchNumberOf(batches: readonly BatchChanges[], sequence: number): number {
  const batch = batches.findLast(({ firstSequence }) => firstSequence <= sequence);
  if (batch === undefined) throw new Error(`change ${sequence} belongs to no batch`);
  return batch.batchNumber;
}

/** Updates the as-of time of SKUs that a batch confirmed as of a later time without changing them. */
export function writeConfirmations(
  statement: WriteStatement,
  supplierId: number,
  skus: Iterable<SkuState>,
): void {
  const confirmed = [...skus].filter((sku) => hasNewerAsOf(sku) && typeof sku.asOfUs === 'number');
  if (confirmed.length === 0) return;
  const rows = statement.rows('written', [
    bigints('sku_number', confirmed, (sku) => sku.skuNumber),
    bigints('as_of_us', confirmed, (sku) => sku.asOfUs ?? null),
  ]);
  updateByKey(
    statement,
    'inventory',
    `SELECT ${statement.value(supplierId, 'integer')}, written.sku_number, written.as_of_us, 0, 0
     FROM ${rows}`,
    ['as_of_us'],
    ['last_sequence', 'updated_at_ms'],
  );
}
