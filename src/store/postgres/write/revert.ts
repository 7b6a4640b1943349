import type { PoolClient } from 'pg';
import { BatchDecision } from '../../../domain/batch-decision.ts';
import { addMembers } from '../../../domain/number-set.ts';
import { decideUndo, type RevertibleChange } from '../../sql/revert.ts';
import { findUnchangedSince, isRange, laterOf, type LaterRow } from '../../sql/unchanged-since.ts';
import type { RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import { batchNumberOf } from '../../uuids.ts';
import { FIELD_COLUMNS, inventoryOf, type InventoryValues } from './inventory-rows.ts';
import { HELD_COLUMNS, type HeldRow } from './stock.ts';
import { SupplierTransaction, type Decided } from './transaction.ts';
import { isUuid } from '../connection/values.ts';

interface BatchRow {
  readonly uuid: string;
  readonly first_sequence: number | null;
  readonly changed_count: number;
}

type ChangeRow = [skuId: string, sequence: number, ...before: InventoryValues, ...held: HeldRow];

/** How many batches' confirmed SKUs are read at a stretch. */
const CONFIRMATIONS_AT_ONCE = 1000;

/** Decides to put a batch back, in a transaction that is begun. Undefined where there is no such batch. */
export async function revertBatch(
  client: PoolClient,
  request: RevertRequest,
): Promise<Decided<RevertOutcome | undefined>> {
  const { supplierId, uuid, dryRun } = request;
  const transaction = new SupplierTransaction(client, supplierId);
  await transaction.stock.lock();
  const nowMs = Date.now();
  const startedMs = performance.now();
  const batch = await batchOf(client, request);
  if (batch === undefined) return transaction.decided(undefined, nowMs);
  const { changes, skuIds } = await loadChanges(transaction, batch);
  const among = new Set(request.among?.map(batchNumberOf));
  const confirmed = request.force
    ? new Set<number>()
    : await confirmedAfter(client, request, changes, among);

  const decision = new BatchDecision(nowMs);
  const { revertedCount, skus } = decideUndo(decision, changes, {
    hold: (skuNumber) => transaction.stock.hold(skuNumber),
    skuIdOf: (skuNumber) => skuIds.get(skuNumber) ?? '',
    standing: await standingOf(transaction, changes, among),
    confirmed,
  });
  if (revertedCount === 0) return transaction.decided({ uuid: null, skus }, nowMs);
  const ended = transaction.endBatch(decision, nowMs);
  transaction.appendRow({ ...request, source: 'revert' }, ended, {
    appliedAtMs: nowMs,
    startedMs,
    lineCount: revertedCount,
    revertsNumber: batchNumberOf(uuid),
  });
  return transaction.decided({ uuid: dryRun ? null : ended.uuid, skus }, nowMs);
}

async function batchOf(
  client: PoolClient,
  { supplierId, uuid }: RevertRequest,
): Promise<BatchRow | undefined> {
  if (!isUuid(uuid)) return undefined;
  const { rows } = await client.query<BatchRow>(
    `SELECT uuid, first_sequence, changed_count FROM batches
     WHERE supplier_id = $1 AND number = $2 AND uuid = $3`,
    [supplierId, batchNumberOf(uuid), uuid],
  );
  return rows[0];
}

/** Reads a batch's changes, and takes hold of the SKUs that it changed. */
async function loadChanges(
  { client, supplierId, stock }: SupplierTransaction,
  { first_sequence: firstSequence, changed_count: changedCount }: BatchRow,
): Promise<{
  readonly changes: readonly RevertibleChange[];
  readonly skuIds: ReadonlyMap<number, string>;
}> {
  const changes: RevertibleChange[] = [];
  const skuIds = new Map<number, string>();
  if (firstSequence === null) return { changes, skuIds };
  const before = FIELD_COLUMNS.map((column) => `changes.before_${column}`).join(', ');
  const { rows } = await client.query<ChangeRow>({
    text: `SELECT skus.sku_id, changes.sequence, ${before}, ${HELD_COLUMNS}
      FROM changes
        JOIN skus ON skus.supplier_id = $1 AND skus.sku_number = changes.sku_number
        JOIN inventory AS held ON held.supplier_id = $1 AND held.sku_number = changes.sku_number
      WHERE changes.supplier_id = $1 AND changes.sequence BETWEEN $2 AND $3
      ORDER BY changes.sequence`,
    values: [supplierId, firstSequence, firstSequence + changedCount - 1],
    rowMode: 'array',
  });
  for (const [skuId, sequence, inStock, onBackorder, date, restrictions, ...held] of rows) {
    const { skuNumber } = stock.holdRow(held);
    const was = inventoryOf([inStock, onBackorder, date, restrictions]);
    changes.push({ skuNumber, sequence, before: was });
    skuIds.set(skuNumber, skuId);
  }
  return { changes, skuIds };
}

async function standingOf(
  { client, supplierId, stock }: SupplierTransaction,
  changes: readonly RevertibleChange[],
  among: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const finding = findUnchangedSince(
    changes,
    (skuNumber) => stock.hold(skuNumber).lastSequence,
    among,
  );
  let step = finding.next();
  while (step.done !== true) {
    const wanted = step.value;
    const { rows } = await client.query<LaterRow>({
      text: isRange(wanted) ? `${LATER} BETWEEN $2 AND $3` : `${LATER} = ANY($2::bigint[])`,
      values: [supplierId, ...(isRange(wanted) ? [wanted.first, wanted.last] : [wanted])],
      rowMode: 'array',
    });
    step = finding.next(rows.map(laterOf));
  }
  return step.value;
}

/** Later changes; what follows says of which sequences. */
const LATER = `SELECT changes.sku_number, changes.sequence, changes.previous_sequence, changes.batch_number,
    undone.first_sequence, undone.changed_count
  FROM changes
    JOIN batches ON batches.supplier_id = $1 AND batches.number = changes.batch_number
    LEFT JOIN batches AS undone
      ON undone.supplier_id = $1 AND undone.number = batches.reverts_number
  WHERE changes.supplier_id = $1 AND changes.sequence`;

/** Which of the SKUs a later batch has named and left as they were. */
async function confirmedAfter(
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
        ORDER BY number LIMIT ${CONFIRMATIONS_AT_ONCE}`,
      values: [supplierId, after],
      rowMode: 'array',
    });
    for (const [number, numbers] of rows) {
      if (!among.has(number)) addMembers(numbers, candidates, confirmed);
    }
    after = rows.length < CONFIRMATIONS_AT_ONCE ? undefined : rows.at(-1)?.[0];
  }
  return confirmed;
}
