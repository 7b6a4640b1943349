import type { PoolClient } from 'pg';
import { BatchDecision } from '../../../domain/batch-decision.ts';
import { addMembers } from '../../../domain/number-set.ts';
import {
  decideRevert,
  type RevertibleChange,
  findUnchangedSince,
  isRange,
  laterChangeOf,
  type LaterChangeRow,
} from '../../sql/revert.ts';
import type { RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import { batchNumberOf, isUuid } from '../../uuids.ts';
import { joinNumbered, joinSku } from '../lookups.ts';
import { FIELD_COLUMNS, inventoryOf, type FieldValues } from './inventory-rows.ts';
import {
  INVENTORY_COLUMNS,
  SupplierTransaction,
  type InventoryRow,
  type PreparedCommit,
} from './transaction.ts';

interface RevertedBatch {
  readonly uuid: string;
  readonly first_sequence: number | null;
  readonly changed_count: number;
}

type ChangeRow = [skuId: string, sequence: number, ...before: FieldValues, ...now: InventoryRow];

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
  const { changes, skuIds } = await loadChanges(transaction, batch);
  const among = new Set(request.among?.map(batchNumberOf));
  const confirmed = request.force
    ? new Set<number>()
    : await confirmedSkus(client, request, changes, among);

  const decision = new BatchDecision(nowMs);
  const { revertedCount, skus } = decideRevert(decision, changes, {
    skuState: (skuNumber) => transaction.state.skuState(skuNumber),
    skuIdOf: (skuNumber) => skuIds.get(skuNumber) ?? '',
    unchanged: await unchangedSkus(transaction, changes, among),
    confirmed,
  });
  if (revertedCount === 0) return transaction.prepareCommit({ uuid: null, skus }, nowMs);
  const numbered = transaction.numberBatch(decision, nowMs);
  transaction.addBatchRow({ ...request, source: 'revert' }, numbered, {
    appliedAtMs: nowMs,
    startedMs,
    lineCount: revertedCount,
    revertsNumber: batchNumberOf(uuid),
  });
  return transaction.prepareCommit({ uuid: dryRun ? null : numbered.uuid, skus }, nowMs);
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

/** Loads the changes of a batch, and the SKUs that it changed. */
async function loadChanges(
  { client, supplierId, state }: SupplierTransaction,
  { first_sequence: firstSequence, changed_count: changedCount }: RevertedBatch,
): Promise<{
  readonly changes: readonly RevertibleChange[];
  readonly skuIds: ReadonlyMap<number, string>;
}> {
  const changes: RevertibleChange[] = [];
  const skuIds = new Map<number, string>();
  if (firstSequence === null) return { changes, skuIds };
  const before = FIELD_COLUMNS.map((column) => `changes.before_${column}`).join(', ');
  const { rows } = await client.query<ChangeRow>({
    text: `SELECT skus.sku_id, changes.sequence, ${before}, ${INVENTORY_COLUMNS}
      FROM (SELECT * FROM changes WHERE supplier_id = $1 AND sequence BETWEEN $2 AND $3
          ORDER BY sequence OFFSET 0) AS changes
        ${joinSku('sku_number', 'changes.sku_number', ['sku_id'])}
        ${joinNumbered('inventory', 'sku_number', 'changes.sku_number')}
      ORDER BY changes.sequence`,
    values: [supplierId, firstSequence, firstSequence + changedCount - 1],
    rowMode: 'array',
  });
  for (const [skuId, sequence, inStock, onBackorder, date, restrictions, ...now] of rows) {
    const { skuNumber } = state.addRow(now);
    changes.push({
      skuNumber,
      sequence,
      before: inventoryOf([inStock, onBackorder, date, restrictions]),
    });
    skuIds.set(skuNumber, skuId);
  }
  return { changes, skuIds };
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
