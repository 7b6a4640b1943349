import type { PoolClient } from 'pg';
import { BatchDecision } from '../../../domain/batch-decision.ts';
import { addMembers } from '../../../domain/number-set.ts';
import {
  decodeProductChanges,
  rewrittenSince,
  type LaterProducts,
  type ProductChange,
} from '../../sql/product-changes.ts';
import { PRODUCT_COLUMNS } from '../../sql/products.ts';
import {
  decidingRevert,
  withCreated,
  type RevertibleChange,
  type RevertibleProducts,
  findUnchangedSince,
  isRange,
  laterChangeOf,
  type LaterChangeRow,
} from '../../sql/revert.ts';
import type { RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import { inTurns, ownTurn } from '../../sql/turns.ts';
import { batchNumberOf, isUuid } from '../../uuids.ts';
import { int8Array } from '../connection/arrays.ts';
import { joinNumbered, joinSku } from '../lookups.ts';
import { FIELD_COLUMNS, inventoryOf, type FieldValues } from './inventory-rows.ts';
import { ProductRows, type StoredSku } from './product-rows.ts';
import {
  INVENTORY_COLUMNS,
  SupplierTransaction,
  type InventoryOfSku,
  type PreparedCommit,
} from './transaction.ts';

interface RevertedBatch {
  readonly uuid: string;
  readonly first_sequence: number | null;
  readonly changed_count: number;
}

type ChangeRow = [skuNumber: number, sequence: number, ...before: FieldValues];

/** How many changes or SKUs are read at a time: other requests get a turn after each page. */
const PAGE_ROWS = 2000;
/** How many batches' confirmed SKUs are read at a time. */
const PAGE_BATCHES = 1000;

/**
 * Decides the undo of a batch, in a transaction that has begun. The caller commits. The result is undefined
 * if there is no such batch.
 */
export async function revertBatch(
  client: PoolClient,
  request: RevertRequest,
): Promise<PreparedCommit<RevertOutcome | undefined>> {
  const { supplierId, uuid, dryRun } = request;
  const transaction = new SupplierTransaction(client, supplierId);
  await transaction.state.lock();
  const nowMs = Date.now();
  const startedMs = performance.now();
  const batch = await findBatch(client, request);
  if (batch === undefined) return transaction.prepareCommit(undefined, nowMs);
  const among = new Set(request.among?.map(batchNumberOf));
  const products = await loadProducts(transaction, batchNumberOf(uuid), among);
  const loaded = await loadChanges(transaction, batch);
  const changes = withCreated(loaded, products.changes);
  const skus = await loadSkus(transaction, changes, products.changes);
  const confirmed = request.force
    ? new Set<number>()
    : await confirmedSkus(client, request, changes, among);

  const decision = new BatchDecision(nowMs);
  const deciding = decidingRevert(decision, changes, {
    skuState: (skuNumber) => transaction.state.skuState(skuNumber),
    skuIdOf: (skuNumber) => skus.get(skuNumber)?.sku_id ?? '',
    unchanged: await unchangedSkus(transaction, changes, among),
    confirmed,
    products,
  });
  const { counts, skus: outcomes, products: revertedProducts } = await inTurns(deciding);
  if (counts.reverted === 0)
    return transaction.prepareCommit({ uuid: null, counts, skus: outcomes }, nowMs);
  const origin = { ...request, source: 'revert' as const };
  const numbered = await transaction.numberBatch(decision, nowMs);
  transaction.addBatchRow(origin, numbered, {
    appliedAtMs: nowMs,
    startedMs,
    lineCount: counts.reverted,
    revertsNumber: batchNumberOf(uuid),
  });
  const written = new ProductRows();
  for (const { skuNumber, product, ...retired } of revertedProducts) {
    const row = skus.get(skuNumber);
    if (row === undefined) throw new Error(`SKU ${skuNumber} of supplier ${supplierId} has no row`);
    written.update(transaction.state.skuState(skuNumber), row, product, retired);
  }
  written.write(transaction.statement, origin, numbered.number, nowMs);
  const outcome = { uuid: dryRun ? null : numbered.uuid, counts, skus: outcomes };
  return transaction.prepareCommit(outcome, nowMs);
}

async function findBatch(
  client: PoolClient,
  { supplierId, uuid }: RevertRequest,
): Promise<RevertedBatch | undefined> {
  if (!isUuid(uuid)) return undefined;
  const { rows } = await client.query<RevertedBatch>(
    `SELECT uuid, first_sequence, changed_count FROM batches
     WHERE supplier_id = $1 AND number = $2 AND uuid = $3`,
    [supplierId, batchNumberOf(uuid), uuid],
  );
  return rows[0];
}

/** What a batch did to products, and which of them were written since. */
async function loadProducts(
  { client, supplierId }: SupplierTransaction,
  batchNumber: number,
  among: ReadonlySet<number>,
): Promise<RevertibleProducts> {
  const { rows } = await client.query<{ undo: Uint8Array | null }>(
    'SELECT undo FROM product_changes WHERE supplier_id = $1 AND batch_number = $2',
    [supplierId, batchNumber],
  );
  const changes = decodeProductChanges(rows[0]?.undo ?? null);
  if (changes.length === 0) return { changes, rewritten: new Set() };
  const { rows: later } = await client.query<LaterProducts>(
    `SELECT batches.number, written, batches.reverts_number AS "revertsNumber"
     FROM (SELECT * FROM product_changes WHERE supplier_id = $1 AND batch_number > $2
         ORDER BY batch_number DESC OFFSET 0) AS product_changes
       ${joinNumbered('batches', 'number', 'product_changes.batch_number')}
     ORDER BY batches.number DESC`,
    [supplierId, batchNumber],
  );
  const candidates = new Set(changes.map(({ skuNumber }) => skuNumber));
  return { changes, rewritten: rewrittenSince(batchNumber, later, candidates, among) };
}

async function loadChanges(
  { client, supplierId }: SupplierTransaction,
  { first_sequence: firstSequence, changed_count: changedCount }: RevertedBatch,
): Promise<readonly RevertibleChange[]> {
  if (firstSequence === null) return [];
  const before = FIELD_COLUMNS.map((column) => `before_${column}`).join(', ');
  const changes: RevertibleChange[] = [];
  const lastSequence = firstSequence + changedCount - 1;
  for (let first = firstSequence; first <= lastSequence; first += PAGE_ROWS) {
    const { rows } = await client.query<ChangeRow>({
      text: `SELECT sku_number, sequence, ${before} FROM changes
        WHERE supplier_id = $1 AND sequence BETWEEN $2 AND $3 ORDER BY sequence`,
      values: [supplierId, first, Math.min(lastSequence, first + PAGE_ROWS - 1)],
      rowMode: 'array',
    });
    for (const [skuNumber, sequence, ...fields] of rows)
      changes.push({ skuNumber, sequence, before: inventoryOf(fields) });
  }
  return changes;
}

/** Loads the SKUs that the batch changed, by number. */
async function loadSkus(
  { client, supplierId, state }: SupplierTransaction,
  changes: readonly RevertibleChange[],
  products: readonly ProductChange[],
): Promise<ReadonlyMap<number, StoredSku>> {
  const numbers = [...new Set([...changes, ...products].map(({ skuNumber }) => skuNumber))];
  const columns = ['sku_id', 'uuid', ...PRODUCT_COLUMNS] as const;
  const skus = new Map<number, StoredSku>();
  for (let from = 0; from < numbers.length; from += PAGE_ROWS) {
    const { rows } = await client.query<StoredSku & InventoryOfSku>(
      `SELECT skus.${columns.join(', skus.')}, ${INVENTORY_COLUMNS}
       FROM unnest($2::bigint[]) AS named (sku_number)
         ${joinSku('sku_number', 'named.sku_number', columns)}
         ${joinNumbered('inventory', 'sku_number', 'named.sku_number')}`,
      [supplierId, int8Array(numbers.slice(from, from + PAGE_ROWS))],
    );
    for (const row of rows) skus.set(state.addInventory(row).skuNumber, row);
  }
  return skus;
}

/** The numbers of the SKUs that still have the inventory that the batch left. */
async function unchangedSkus(
  { client, supplierId, state }: SupplierTransaction,
  changes: readonly RevertibleChange[],
  among: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const search = findUnchangedSince(
    changes,
    (skuNumber) => state.skuState(skuNumber).lastSequence,
    among,
  );
  let step = search.next();
  while (step.done !== true) {
    const needed = step.value;
    if (!isRange(needed) && needed.length === 0) {
      await ownTurn();
      step = search.next([]);
      continue;
    }
    const { rows } = await client.query<LaterChangeRow>({
      text: selectLaterChanges(isRange(needed) ? 'BETWEEN $2 AND $3' : '= ANY($2::bigint[])'),
      values: [supplierId, ...(isRange(needed) ? [needed.first, needed.last] : [needed])],
      rowMode: 'array',
    });
    step = search.next(rows.map(laterChangeOf));
  }
  return step.value;
}

/** @param condition on the sequence */
function selectLaterChanges(condition: string): string {
  return `SELECT changes.sku_number, changes.sequence, changes.previous_sequence, changes.batch_number,
      undone.first_sequence, undone.changed_count
    FROM (SELECT * FROM changes WHERE supplier_id = $1 AND sequence ${condition} OFFSET 0) AS changes
      ${joinNumbered('batches', 'number', 'changes.batch_number')}
      LEFT JOIN LATERAL (SELECT first_sequence, changed_count FROM batches AS reverted
        WHERE supplier_id = $1 AND number = batches.reverts_number OFFSET 0) AS undone ON true`;
}

/** The numbers of the changed SKUs that a later batch confirmed without changing them. */
async function confirmedSkus(
  client: PoolClient,
  { supplierId, uuid }: RevertRequest,
  changes: readonly RevertibleChange[],
  among: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const candidates = new Set(changes.map(({ skuNumber }) => skuNumber));
  const confirmed = new Set<number>();
  for (let after: number | undefined = batchNumberOf(uuid); after !== undefined;) {
    const { rows }: { rows: [number: number, confirmed: Buffer][] } = await client.query({
      text: `SELECT number, confirmed FROM batches
        WHERE supplier_id = $1 AND number > $2 AND confirmed IS NOT NULL
        ORDER BY number LIMIT ${PAGE_BATCHES}`,
      values: [supplierId, after],
      rowMode: 'array',
    });
    for (const [number, numbers] of rows) {
      if (!among.has(number)) addMembers(numbers, candidates, confirmed);
    }
    after = rows.length < PAGE_BATCHES ? undefined : rows.at(-1)?.[0];
  }
  return confirmed;
}
