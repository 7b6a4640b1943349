import type { PoolClient } from 'pg';
import {
  APPLIED,
  BatchDecision,
  findsUnretired,
  type DecidedLines,
} from '../../../domain/batch-decision.ts';
import {
  checkSafetyLimit,
  applicableSafetyLimit,
  failedLines,
  type Batch,
  type BatchOutcome,
  type BatchOptions,
  type IdempotencyKey,
} from '../../../domain/batches.ts';
import { misfitQuestions, recordingMisfits } from '../../../domain/misfits.ts';
import { checkSnapshot } from '../../../domain/safety-limit.ts';
import { OnhandError } from '../../../domain/errors.ts';
import { gtinsOfLine } from '../../../domain/lines.ts';
import {
  checkSameRequest,
  type BatchSummary,
  encodingEffects,
  encodingFailures,
  namingDetails,
  namingEffects,
} from '../../sql/batch-row.ts';
import { inTurns } from '../../sql/turns.ts';
import { int8Array } from '../connection/arrays.ts';
import { writeFailures, writeKeys, type FailuresRow, type KeyRow } from './batch-rows.ts';
import { IdentifierLookup } from './identifier-lookup.ts';
import {
  INVENTORY_COLUMNS_WITH_AS_OF,
  SupplierTransaction,
  type InventoryRow,
  type NumberedBatch,
  type PreparedCommit,
} from './transaction.ts';

const NO_OPTIONS: BatchOptions = {};

export function isDryRun({ options }: Batch): boolean {
  return options?.dryRun === true;
}

/** A batch whose lines are decided and numbered. */
interface AppliedBatch {
  readonly batch: Batch;
  readonly decided: DecidedLines;
  readonly numbered: NumberedBatch;
  readonly zeroedCount: number;
}

interface AppliedBatchWithKey extends AppliedBatch {
  readonly key: IdempotencyKey;
}

/** How a batch was decided. Its SKUs are known by number only, until their names are loaded. */
type DecidedBatch =
  | AppliedBatch
  | { readonly error: OnhandError }
  /** Repeats a batch of an earlier transaction. */
  | { readonly storedOutcome: BatchOutcome }
  /** Repeats an earlier batch of this transaction. */
  | { readonly repeated: AppliedBatchWithKey };

type Outcomes = readonly (BatchOutcome | OnhandError)[];

/**
 * Decides batches of one supplier in a transaction that has begun: locks the supplier, looks up the SKUs
 * that the lines identify, and decides line by line. The caller commits. A snapshot must be the only batch.
 */
export async function applyBatches(
  client: PoolClient,
  supplierId: number,
  batches: readonly Batch[],
): Promise<PreparedCommit<Outcomes>> {
  return new GroupApplier(new SupplierTransaction(client, supplierId)).apply(batches);
}

class GroupApplier {
  readonly #transaction: SupplierTransaction;
  readonly #lookup = new IdentifierLookup();
  /** The batches of this transaction that have an idempotency key, by key. */
  readonly #byKey = new Map<string, AppliedBatchWithKey>();

  constructor(transaction: SupplierTransaction) {
    this.#transaction = transaction;
  }

  async apply(batches: readonly Batch[]): Promise<PreparedCommit<Outcomes>> {
    await this.#load(batches);
    // Taken under the lock, so that it is no earlier than the time of any earlier batch.
    const nowMs = Date.now();
    const decided: DecidedBatch[] = [];
    for (const batch of batches) decided.push(await this.#decideOrRefuse(batch, nowMs));
    const transaction = this.#transaction;
    await transaction.state.loadNames(skusToName(decided));
    return transaction.prepareCommit(await this.#outcomesOf(decided, nowMs), nowMs);
  }

  async #load(batches: readonly Batch[]): Promise<void> {
    const { state, keys } = this.#transaction;
    for (const { lines, options } of batches) {
      const alwaysBySkuId = options?.snapshot !== undefined || options?.skuIdFirst === true;
      await inTurns(this.#lookup.addingLines(lines, alwaysBySkuId));
    }
    const withAsOf = batches.some(
      ({ lines, options }) => lines.conditions !== null || options?.snapshot !== undefined,
    );
    await Promise.all([state.lock(), state.load(this.#lookup, withAsOf), keys.load(batches)]);
  }

  /** A batch that is refused as a whole leaves no trace, so the others of its transaction can commit. */
  async #decideOrRefuse(batch: Batch, nowMs: number): Promise<DecidedBatch> {
    try {
      return await this.#decide(batch, nowMs);
    } catch (error) {
      if (error instanceof OnhandError) return { error };
      throw error;
    }
  }

  async #decide(batch: Batch, nowMs: number): Promise<DecidedBatch> {
    const startedMs = performance.now();
    const { lines, options = NO_OPTIONS } = batch;
    const key = isDryRun(batch) ? undefined : options.idempotency;
    const repeat = key && (await this.#findRepeat(key, lines.count, nowMs));
    if (repeat !== undefined) return repeat;

    if (options.snapshot !== undefined) checkSnapshot(lines);
    const decision = new BatchDecision(nowMs);
    const { state, keys } = this.#transaction;
    const deciding = decision.decidingLines(lines, state.stockFor(this.#lookup, lines), {
      atomic: options.atomic === true,
      withEffects: options.withEffects === true,
      skuIdFirst: options.skuIdFirst === true,
    });
    const decided = await inTurns(deciding);
    const questions = misfitQuestions(lines, decided);
    if (questions !== undefined) {
      const lookup = new IdentifierLookup();
      await inTurns(lookup.addingLines(questions.lines, false));
      await state.load(lookup, false);
      const stock = state.stockFor(lookup, questions.lines);
      await inTurns(recordingMisfits(questions, (i) => findsUnretired(stock, i), decided.details));
    }
    const omitted = await this.#omittedSkus(batch, decision, decided);
    const hasLimit = omitted !== undefined && applicableSafetyLimit(options, state.head) !== null;
    const omittedLiveCount = hasLimit ? await omitted.countLive() : 0;
    try {
      checkSafetyLimit(
        options,
        state.head,
        decision.countUnsellable() + omittedLiveCount,
        (confirmation) => keys.confirm(confirmation, nowMs),
      );
    } catch (error) {
      decision.rollBack();
      throw error;
    }

    const numbered = await this.#transaction.numberBatch(decision, nowMs);
    const zeroedCount =
      omitted === undefined ? 0 : await this.#zero(batch, omitted, numbered, nowMs);
    const summary: BatchSummary = {
      appliedAtMs: nowMs,
      startedMs,
      lineCount: lines.count,
      statuses: decided.statuses,
    };
    this.#transaction.addBatchRow(batch, numbered, summary, zeroedCount);
    const applied = { batch, decided, numbered, zeroedCount };
    if (key !== undefined) this.#byKey.set(key.key, { ...applied, key });
    return applied;
  }

  async #findRepeat(
    key: IdempotencyKey,
    lineCount: number,
    nowMs: number,
  ): Promise<DecidedBatch | undefined> {
    const repeated = this.#byKey.get(key.key);
    if (repeated !== undefined && repeated.key.expiresAtMs > nowMs) {
      checkSameRequest(repeated.key.fingerprint, key);
      return { repeated };
    }
    const storedOutcome = await this.#transaction.keys.findRepeat(key, lineCount, nowMs);
    return storedOutcome && { storedOutcome };
  }

  /** The SKUs that a snapshot omits; undefined if the batch sets none to zero. */
  async #omittedSkus(
    { supplierId, lines, options = NO_OPTIONS }: Batch,
    decision: BatchDecision,
    { statuses }: DecidedLines,
  ): Promise<OmittedSkus | undefined> {
    if (options.snapshot === undefined) return undefined;
    if (options.atomic === true && statuses.some((status) => status !== APPLIED)) return undefined;
    // A SKU is not omitted if any line identifies it, even a line that failed.
    const skuNumbers = decision.touchedSkuNumbers();
    const gtins = new Set<number>();
    for (const [i, status] of statuses.entries()) {
      if (status === APPLIED) continue;
      const bySkuId = this.#lookup.findBySkuId(lines, i);
      if (bySkuId !== undefined) skuNumbers.add(bySkuId);
      for (const gtin of gtinsOfLine(lines, i)) gtins.add(gtin);
    }
    const { client } = this.#transaction;
    if (gtins.size > 0) {
      for (const skuNumber of await holdersOf(client, supplierId, [...gtins]))
        skuNumbers.add(skuNumber);
    }
    return new OmittedSkus(client, supplierId, [...skuNumbers]);
  }

  /** Sets the omitted SKUs to zero, page by page. Returns how many changed. */
  async #zero(
    { options = NO_OPTIONS }: Batch,
    omitted: OmittedSkus,
    numbered: NumberedBatch,
    nowMs: number,
  ): Promise<number> {
    const { state } = this.#transaction;
    const asOfUs = options.snapshot?.asOfUs ?? null;
    let zeroedCount = 0;
    for await (const rows of omitted.pages()) {
      const decision = new BatchDecision(nowMs);
      for (const row of rows) {
        const sku = state.addRow(row);
        decision.zero(sku, () => state.storedAsOfUs(sku.skuNumber), asOfUs);
      }
      const { changes } = await this.#transaction.flushChanges(decision, numbered, nowMs);
      zeroedCount += changes.length;
      for (const [skuNumber] of rows) state.unload(skuNumber);
    }
    return zeroedCount;
  }

  async #outcomesOf(decided: readonly DecidedBatch[], nowMs: number): Promise<Outcomes> {
    const applied = new Map<NumberedBatch, BatchOutcome>();
    const failures: FailuresRow[] = [];
    const outcomes: (BatchOutcome | OnhandError)[] = [];
    for (const batch of decided) {
      if ('error' in batch) {
        outcomes.push(batch.error);
      } else if ('storedOutcome' in batch) {
        outcomes.push(batch.storedOutcome);
      } else if ('repeated' in batch) {
        const { numbered, key } = batch.repeated;
        outcomes.push(repeatOf(applied.get(numbered), key));
      } else {
        const outcome = await this.#outcomeOf(batch);
        outcomes.push(outcome);
        applied.set(batch.numbered, outcome);
        const { details, statuses } = outcome;
        if (isDryRun(batch.batch)) continue;
        if (details.size === 0 && statuses.every((status) => status === APPLIED)) continue;
        const encoded = await inTurns(encodingFailures(failedLines(batch.batch.lines, outcome)));
        failures.push({ batchNumber: batch.numbered.number, failures: encoded });
      }
    }
    const keys: KeyRow[] = [];
    for (const { key, numbered } of this.#byKey.values()) {
      const effects = applied.get(numbered)?.effects;
      const hasEffects = effects !== undefined && effects.size > 0;
      keys.push({
        idempotency: key,
        batchNumber: numbered.number,
        effects: hasEffects ? await inTurns(encodingEffects(effects)) : null,
      });
    }
    const { statement, supplierId } = this.#transaction;
    writeFailures(statement, supplierId, failures, nowMs);
    writeKeys(statement, supplierId, keys);
    return outcomes;
  }

  async #outcomeOf({ batch, decided, numbered, zeroedCount }: AppliedBatch): Promise<BatchOutcome> {
    const { state } = this.#transaction;
    const isStored = !isDryRun(batch);
    const details = namingDetails(decided.details, (skuNumber) => state.namesOf(skuNumber).skuId);
    const effects = namingEffects(
      decided.effects,
      isStored ? numbered.closed.changes : [],
      (skuNumber) => state.namesOf(skuNumber).uuid,
    );
    return {
      uuid: isStored ? numbered.uuid : null,
      statuses: decided.statuses,
      details: await inTurns(details),
      effects: await inTurns(effects),
      zeroedCount,
      repeats: null,
    };
  }
}

function repeatOf(first: BatchOutcome | undefined, { requestId }: IdempotencyKey): BatchOutcome {
  if (first === undefined) throw new Error('a repeat comes before the batch that it repeats');
  return { ...first, repeats: requestId };
}

/** How many SKUs a snapshot sets to zero at a time. Bounds the memory that it takes. */
const PAGE_SKUS = 5000;

/** `= ANY` of a constant array looks a number up in a hash table, in every plan. */
const FROM_OMITTED = `FROM inventory
  WHERE inventory.supplier_id = $1 AND quantity_in_stock IS DISTINCT FROM 0
    AND (inventory.sku_number = ANY($2::bigint[])) IS NOT TRUE`;

/** The numbers of the SKUs that have one of these GTINs. */
async function holdersOf(
  client: PoolClient,
  supplierId: number,
  gtins: readonly number[],
): Promise<readonly number[]> {
  const { rows } = await client.query<[skuNumber: number]>({
    text: 'SELECT sku_number FROM gtins WHERE supplier_id = $1 AND gtin = ANY($2::bigint[])',
    values: [supplierId, int8Array(gtins)],
    rowMode: 'array',
  });
  return rows.map(([skuNumber]) => skuNumber);
}

/** The SKUs that a snapshot omits and whose stock is not zero, as the database has them. */
class OmittedSkus {
  readonly #client: PoolClient;
  readonly #values: readonly unknown[];

  /** Omitted are all SKUs but those with one of these numbers. */
  constructor(client: PoolClient, supplierId: number, skuNumbers: readonly number[]) {
    this.#client = client;
    this.#values = [supplierId, int8Array(skuNumbers)];
  }

  /** How many of them can be sold. */
  async countLive(): Promise<number> {
    const { rows } = await this.#client.query<{ count: number }>(
      `SELECT count(*) FILTER (WHERE quantity_in_stock IS NOT NULL AND restrictions IS NULL) AS count
       ${FROM_OMITTED}`,
      [...this.#values],
    );
    return rows[0]?.count ?? 0;
  }

  /** In order of creation. Reads one snapshot: writes made between pages are not visible. */
  async *pages(): AsyncGenerator<readonly InventoryRow[], void, undefined> {
    await this.#client.query(
      `DECLARE omitted_skus NO SCROLL CURSOR FOR
       SELECT ${INVENTORY_COLUMNS_WITH_AS_OF} ${FROM_OMITTED} ORDER BY inventory.sku_number`,
      [...this.#values],
    );
    for (;;) {
      const { rows } = await this.#client.query<InventoryRow>({
        text: `FETCH FORWARD ${PAGE_SKUS} FROM omitted_skus`,
        rowMode: 'array',
      });
      if (rows.length > 0) yield rows;
      if (rows.length < PAGE_SKUS) return;
    }
  }
}

/** The numbers of the SKUs whose `sku_id` or uuid the outcomes contain. */
function skusToName(decided: readonly DecidedBatch[]): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const batch of decided) {
    if (!('decided' in batch)) continue;
    for (const { skuNumber } of batch.decided.effects.values()) numbers.add(skuNumber);
    for (const detail of batch.decided.details.values()) {
      if (detail.kind !== 'ambiguous') continue;
      for (const skuNumber of detail.skuNumbers) numbers.add(skuNumber);
    }
  }
  return numbers;
}
