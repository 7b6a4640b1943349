import type { PoolClient } from 'pg';
import { APPLIED, BatchDecision, type DecidedLines } from '../../../domain/batch-decision.ts';
import { checkSnapshot } from '../../../domain/safety-limit.ts';
import { OnhandError } from '../../../domain/errors.ts';
import { gtinsOfLine } from '../../../domain/lines.ts';
import { checkSameRequest, type BatchSummary } from '../../sql/batch-row.ts';
import { applicableSafetyLimit, checkSafetyLimit } from '../../sql/safety-limit.ts';
import { encodeEffects, encodeFailures, failedLines } from '../../failures.ts';
import { detailsOf, effectsOf } from '../../sql/outcomes.ts';
import type { Batch, BatchOutcome, BatchOptions, IdempotencyKey } from '../../../domain/batches.ts';
import { writeFailures, writeKeys, type FailuresRow, type KeyRow } from './batch-rows.ts';
import { NamedSkus } from './named-skus.ts';
import {
  SupplierTransaction,
  type Decided as DecidedTransaction,
  type EndedBatch,
} from './transaction.ts';
import { UnnamedSkus } from './unnamed-skus.ts';

const NO_OPTIONS: BatchOptions = {};

export function isDryRun({ options }: Batch): boolean {
  return options?.dryRun === true;
}

/** A batch whose lines were decided, and that has its number. */
interface AppliedBatch {
  readonly batch: Batch;
  /** Under which a repeat of it finds its outcome. */
  readonly key: IdempotencyKey | undefined;
  readonly decided: DecidedLines;
  readonly ended: EndedBatch;
  readonly zeroedCount: number;
}

/** What became of a batch; its SKUs are still known by their numbers alone. */
type Decided =
  | AppliedBatch
  | { readonly refused: OnhandError }
  | { readonly repeat: BatchOutcome }
  | { readonly repeats: AppliedBatch & { readonly key: IdempotencyKey } };

type Outcomes = DecidedTransaction<readonly (BatchOutcome | OnhandError)[]>;

/**
 * Decides batches of one supplier in a transaction that is begun: lock, look up the SKUs that lines name,
 * decide line by line. What is to be written is given back. A snapshot must be alone.
 */
export async function applyBatches(
  client: PoolClient,
  supplierId: number,
  batches: readonly Batch[],
): Promise<Outcomes> {
  return new GroupApplier(new SupplierTransaction(client, supplierId)).apply(batches);
}

class GroupApplier {
  readonly #transaction: SupplierTransaction;
  readonly #named = new NamedSkus();
  /** Batches of this transaction that came with a key, by the key. */
  readonly #keyed = new Map<string, AppliedBatch & { readonly key: IdempotencyKey }>();

  constructor(transaction: SupplierTransaction) {
    this.#transaction = transaction;
  }

  async apply(batches: readonly Batch[]): Promise<Outcomes> {
    await this.#load(batches);
    // By now all that was applied before has its time.
    const nowMs = Date.now();
    const decided: Decided[] = [];
    for (const batch of batches) decided.push(await this.#decideOrRefuse(batch, nowMs));
    const transaction = this.#transaction;
    await transaction.stock.loadNames(numbersToName(decided));
    return transaction.decided(this.#outcomesOf(decided, nowMs), nowMs);
  }

  async #load(batches: readonly Batch[]): Promise<void> {
    const { stock, known } = this.#transaction;
    for (const { lines, options } of batches)
      this.#named.gather(lines, options?.snapshot !== undefined);
    const withAsOf = batches.some(
      ({ lines, options }) => lines.conditions !== null || options?.snapshot !== undefined,
    );
    await Promise.all([stock.lock(), stock.load(this.#named, withAsOf), known.load(batches)]);
  }

  /** A batch that is refused whole leaves nothing, so that the others of its transaction stand. */
  async #decideOrRefuse(batch: Batch, nowMs: number): Promise<Decided> {
    try {
      return await this.#decide(batch, nowMs);
    } catch (error) {
      if (error instanceof OnhandError) return { refused: error };
      throw error;
    }
  }

  async #decide(batch: Batch, nowMs: number): Promise<Decided> {
    const startedMs = performance.now();
    const { lines, options = NO_OPTIONS } = batch;
    const key = isDryRun(batch) ? undefined : options.idempotency;
    const repeat = key && this.#repeatOf(key, lines.count, nowMs);
    if (repeat !== undefined) return repeat;

    if (options.snapshot !== undefined) checkSnapshot(lines);
    const decision = new BatchDecision(nowMs);
    const { stock, known } = this.#transaction;
    const decided = decision.decideLines(lines, stock.ofLines(this.#named, lines), {
      atomic: options.atomic === true,
      withEffects: options.withEffects === true,
    });
    const unnamed = this.#unnamed(batch, decision, decided);
    const isCounted = unnamed !== undefined && applicableSafetyLimit(options, stock.head) !== null;
    const unnamedFallCount = isCounted ? await unnamed.countLive() : 0;
    try {
      checkSafetyLimit(
        options,
        stock.head,
        decision.countFalls() + unnamedFallCount,
        (confirmation) => known.confirm(confirmation, nowMs),
      );
    } catch (error) {
      decision.takeBack();
      throw error;
    }

    const ended = this.#transaction.endBatch(decision, nowMs);
    const zeroedCount = unnamed === undefined ? 0 : await this.#zero(batch, unnamed, ended, nowMs);
    const { statuses } = decided;
    const summary: BatchSummary = {
      appliedAtMs: nowMs,
      startedMs,
      lineCount: lines.count,
      statuses,
    };
    this.#transaction.appendRow(batch, ended, summary, zeroedCount);
    const applied = { batch, key, decided, ended, zeroedCount };
    if (key !== undefined) this.#keyed.set(key.key, { ...applied, key });
    return applied;
  }

  #repeatOf(key: IdempotencyKey, lineCount: number, nowMs: number): Decided | undefined {
    const repeats = this.#keyed.get(key.key);
    if (repeats !== undefined && repeats.key.expiresAtMs > nowMs) {
      checkSameRequest(repeats.key.fingerprint, key);
      return { repeats };
    }
    const repeat = this.#transaction.known.repeatOf(key, lineCount, nowMs);
    return repeat && { repeat };
  }

  /** The SKUs that a snapshot does not name; undefined where the batch takes none to zero. */
  #unnamed(
    { supplierId, lines, options = NO_OPTIONS }: Batch,
    decision: BatchDecision,
    { statuses }: DecidedLines,
  ): UnnamedSkus | undefined {
    if (options.snapshot === undefined) return undefined;
    if (options.atomic === true && statuses.some((status) => status !== APPLIED)) return undefined;
    const skuNumbers = decision.touchedNumbers();
    const gtins = new Set<number>();
    for (const [i, status] of statuses.entries()) {
      if (status === APPLIED) continue;
      const bySkuId = this.#named.bySkuId(lines, i);
      if (bySkuId !== undefined) skuNumbers.add(bySkuId);
      for (const gtin of gtinsOfLine(lines, i)) gtins.add(gtin);
    }
    return new UnnamedSkus(this.#transaction.client, supplierId, {
      skuNumbers: [...skuNumbers],
      gtins: [...gtins],
    });
  }

  /** Takes SKUs to zero, some at a time, since they may be a whole catalogue; says how many it changed. */
  async #zero(
    { options = NO_OPTIONS }: Batch,
    unnamed: UnnamedSkus,
    ended: EndedBatch,
    nowMs: number,
  ): Promise<number> {
    const { stock } = this.#transaction;
    const asOfUs = options.snapshot?.asOfUs ?? null;
    let zeroedCount = 0;
    for await (const rows of unnamed.pages()) {
      const decision = new BatchDecision(nowMs);
      for (const row of rows) {
        const held = stock.holdRow(row);
        decision.zero(held, () => stock.storedAsOfUs(held.skuNumber), asOfUs);
      }
      const { changes } = await this.#transaction.writeNow(decision, ended, nowMs);
      zeroedCount += changes.length;
      for (const [skuNumber] of rows) stock.release(skuNumber);
    }
    return zeroedCount;
  }

  #outcomesOf(decided: readonly Decided[], nowMs: number): readonly (BatchOutcome | OnhandError)[] {
    const told = new Map<AppliedBatch['ended'], BatchOutcome>();
    const failures: FailuresRow[] = [];
    const outcomes = decided.map((one) => {
      if ('refused' in one) return one.refused;
      if ('repeat' in one) return one.repeat;
      if ('repeats' in one) return repeated(told.get(one.repeats.ended), one.repeats.key);
      const outcome = this.#outcomeOf(one);
      told.set(one.ended, outcome);
      if (outcome.statuses.some((status) => status !== APPLIED)) {
        const encoded = encodeFailures(failedLines(one.batch.lines, outcome));
        failures.push({ batchNumber: one.ended.number, failures: encoded });
      }
      return outcome;
    });
    const keys = [...this.#keyed.values()].map(({ key, ended }): KeyRow => {
      const effects = told.get(ended)?.effects;
      const isTold = effects !== undefined && effects.size > 0;
      return {
        idempotency: key,
        batchNumber: ended.number,
        effects: isTold ? encodeEffects(effects) : null,
      };
    });
    const { statement, supplierId } = this.#transaction;
    writeFailures(statement, supplierId, failures, nowMs);
    writeKeys(statement, supplierId, keys);
    return outcomes;
  }

  #outcomeOf({ batch, decided, ended, zeroedCount }: AppliedBatch): BatchOutcome {
    const { stock } = this.#transaction;
    const isKept = !isDryRun(batch);
    return {
      uuid: isKept ? ended.uuid : null,
      statuses: decided.statuses,
      details: detailsOf(decided.details, (skuNumber) => stock.skuIdOf(skuNumber)),
      effects: effectsOf(decided.effects, isKept ? ended.closed.changes : [], (skuNumber) =>
        stock.skuUuidOf(skuNumber),
      ),
      zeroedCount,
      repeats: null,
    };
  }
}

function repeated(first: BatchOutcome | undefined, { requestId }: IdempotencyKey): BatchOutcome {
  if (first === undefined) throw new Error('a batch is told before the one that it repeats');
  return { ...first, repeats: requestId };
}

/** The numbers of SKUs that outcomes call by their names. */
function numbersToName(decided: readonly Decided[]): ReadonlySet<number> {
  const numbers = new Set<number>();
  for (const one of decided) {
    if (!('decided' in one)) continue;
    for (const { skuNumber } of one.decided.effects.values()) numbers.add(skuNumber);
    for (const detail of one.decided.details.values()) {
      if (detail.kind !== 'ambiguous') continue;
      for (const skuNumber of detail.skuNumbers) numbers.add(skuNumber);
    }
  }
  return numbers;
}
