import {
  type Inventory,
  isRetired,
  NOTHING_KNOWN,
  RETIRED,
  sameInventory,
} from '../../src/domain/inventory.ts';
import type { LineDraft } from '../../src/domain/lines.ts';
import type { LineDetail } from '../../src/domain/batches.ts';
import type { CatalogueEntry, EntryOutcome } from '../../src/domain/catalogue.ts';

/** A change, in the form in which the model and the database are compared. */
export interface ComparableChange {
  readonly sequence: number;
  readonly previousSequence: number;
  readonly skuId: string;
  readonly before: Inventory;
  readonly after: Inventory;
}

interface ModelSku {
  gtins: ReadonlySet<number>;
  inventory: Inventory;
  lastSequence: number;
  /** The time of its inventory in steps: 0 is the time of the write, which is between -1 and 1. */
  asOf: number;
}

/** A line whose `asOf` is in steps before (negative) and after the present. */
export interface ModelLine extends Omit<LineDraft, 'asOfUs'> {
  readonly asOf?: number | undefined;
}

export interface ModelTerms {
  readonly atomic: boolean;
  readonly snapshot: boolean;
}

/** The result of a line. */
export interface ModelResult {
  readonly status: number;
  readonly reason?: LineDetail['kind'];
  readonly candidates?: readonly string[];
}

const APPLIED: ModelResult = { status: 200 };

/** The simplest correct implementation of a store for one supplier, as the reference for the real ones. */
export class Model {
  readonly skus = new Map<string, ModelSku>();
  readonly changes: ComparableChange[] = [];
  /** SKUs that a batch named and left unchanged, with the number of changes at that time. */
  readonly #confirmed: { readonly skuId: string; readonly atSequence: number }[] = [];

  /** How many SKUs the last batch of lines set to zero because no line named them. */
  zeroedOfLast = 0;

  /** For each change that reverted another one: the sequence of the reverted one, by its own sequence. */
  readonly #undone = new Map<number, number>();

  /** A copy, for dry runs. */
  copy(): Model {
    const copy = new Model();
    copy.#restore(copyOf(this.skus));
    copy.changes.push(...this.changes);
    copy.#confirmed.push(...this.#confirmed);
    for (const [sequence, undone] of this.#undone) copy.#undone.set(sequence, undone);
    return copy;
  }

  applyLines(lines: readonly ModelLine[], terms: ModelTerms): readonly ModelResult[] {
    this.zeroedOfLast = 0;
    return this.#asBatch((touched) => {
      const results: ModelResult[] = [];
      for (let from = 0; from < lines.length;) {
        const group = lines[from]?.group ?? 0;
        const isGroup = group > 0;
        const others = lines.findIndex((line, i) => i > from && line.group !== group);
        const end = !isGroup ? from + 1 : others < 0 ? lines.length : others;
        const undo = isGroup ? copyOf(this.skus) : undefined;
        const runResults = lines.slice(from, end).map((line) => this.#applyLine(line));
        const isLeftOut = isGroup && runResults.some(({ status }) => status !== 200);
        if (isLeftOut && undo !== undefined) this.#restore(undo);
        results.push(...(isLeftOut ? runResults.map(leftOut) : runResults));
        from = end;
      }
      const isFailed = terms.atomic && results.some(({ status }) => status !== 200);
      if (isFailed) return { answer: results.map(leftOut), isRolledBack: true };
      const named = new Set<string>();
      for (const [i, line] of lines.entries()) {
        const isApplied = results[i]?.status === 200;
        for (const skuId of isApplied ? this.#matches(line) : this.#named(line)) {
          named.add(skuId);
          if (isApplied) touched.add(skuId);
        }
      }
      if (terms.snapshot) {
        for (const [skuId, sku] of this.skus) {
          if (named.has(skuId) || sku.inventory.quantityInStock === 0) continue;
          sku.inventory = { ...sku.inventory, quantityInStock: 0 };
          sku.asOf = 0;
          this.zeroedOfLast += 1;
        }
      }
      return { answer: results, isRolledBack: false };
    });
  }

  #matches(line: ModelLine): readonly string[] {
    return [...this.skus].flatMap(([name, sku]) => {
      const isMatch =
        !isRetired(sku.inventory) &&
        (line.skuId === null || line.skuId === name) &&
        line.gtins.every((gtin) => sku.gtins.has(gtin));
      return isMatch ? [name] : [];
    });
  }

  /** Every SKU that has any of the line's identifiers. */
  #named({ skuId, gtins }: ModelLine): readonly string[] {
    return [...this.skus].flatMap(([name, sku]) =>
      name === skuId || gtins.some((gtin) => sku.gtins.has(gtin)) ? [name] : [],
    );
  }

  #applyLine(line: ModelLine): ModelResult {
    if (line.refusal !== undefined) return { status: 400 };
    const matches = this.#matches(line);
    const [match, another] = matches;
    const sku = this.skus.get(match ?? '');
    if (match === undefined || sku === undefined) {
      const named = this.skus.get(line.skuId ?? '');
      const isMisfit = named !== undefined && !isRetired(named.inventory) && line.gtins.length > 0;
      return isMisfit ? { status: 404, reason: 'misfit' } : { status: 404 };
    }
    if (another !== undefined) {
      return { status: 422, reason: 'ambiguous', candidates: matches.slice(0, 5) };
    }
    const { asOf, expectedQuantity, stockChange, fields } = line;
    const { quantityInStock } = sku.inventory;
    if (asOf !== undefined && asOf < sku.asOf) return { status: 412, reason: 'older' };
    if (expectedQuantity !== undefined && expectedQuantity !== quantityInStock) {
      return { status: 412, reason: 'unexpected' };
    }
    const next = { ...sku.inventory, ...fields };
    if (stockChange !== undefined) {
      const sum = (quantityInStock ?? Number.NaN) + stockChange;
      if (!(sum >= 0 && sum <= 2_147_483_647)) return { status: 422, reason: 'impossible' };
      next.quantityInStock = sum;
    }
    if (!sameInventory(next, sku.inventory)) sku.asOf = asOf ?? 0;
    else if (asOf !== undefined) sku.asOf = Math.max(asOf, sku.asOf);
    sku.inventory = next;
    return APPLIED;
  }

  #restore(skus: ReadonlyMap<string, ModelSku>): void {
    this.skus.clear();
    for (const [skuId, sku] of skus) this.skus.set(skuId, sku);
  }

  /** Reverts changes whose later changes, if any, have been reverted. Returns the outcome of each SKU. */
  revert(changes: readonly ComparableChange[], force: boolean): ReadonlyMap<string, string> {
    const firstUndo = this.changes.length;
    const outcomes = this.#asBatch(() => {
      const answer = new Map<string, string>();
      for (const { skuId, before, sequence } of changes) {
        const sku = this.skus.get(skuId);
        const isConfirmed = this.#confirmed.some(
          (confirmed) => confirmed.skuId === skuId && confirmed.atSequence >= sequence,
        );
        if (sku === undefined || !this.#isLast(sequence, sku.lastSequence))
          answer.set(skuId, 'moved_on');
        else if (isConfirmed && !force) answer.set(skuId, 'confirmed');
        else {
          answer.set(skuId, 'reverted');
          sku.inventory = before;
          sku.asOf = 0;
        }
      }
      return { answer, isRolledBack: false };
    });
    for (const { skuId, sequence } of this.changes.slice(firstUndo)) {
      const undone = changes.find((change) => change.skuId === skuId);
      if (undone !== undefined) this.#undone.set(sequence, undone.sequence);
    }
    return outcomes;
  }

  /** Whether a change is the last of its SKU, ignoring later ones that were reverted. */
  #isLast(sequence: number, last: number): boolean {
    const undone = this.#undone.get(last);
    const change = undone === undefined ? undefined : this.changes[undone - 1];
    if (last <= sequence || change === undefined) return last === sequence;
    return this.#isLast(sequence, change.previousSequence);
  }

  /** Creates, updates, retires or brings back SKUs. Returns one outcome per entry; an update counts as such in any case. */
  applyEntries(
    entries: readonly { entry: CatalogueEntry; gtins: ReadonlySet<number> }[],
    existing: 'update' | 'refuse' = 'update',
  ): readonly Exclude<EntryOutcome, 'unchanged'>[] {
    return this.#asBatch((touched) => ({
      answer: entries.map(({ entry, gtins }) => this.#applyEntry(entry, gtins, existing, touched)),
      isRolledBack: false,
    }));
  }

  #applyEntry(
    entry: CatalogueEntry,
    gtins: ReadonlySet<number>,
    existing: 'update' | 'refuse',
    touched: Set<string>,
  ): Exclude<EntryOutcome, 'unchanged'> {
    const held = this.skus.get(entry.skuId);
    const isNew = held === undefined || isRetired(held.inventory);
    if (entry.retires === true) {
      if (held === undefined) return 'refused';
      if (!isNew) Object.assign(held, { inventory: RETIRED, gtins: new Set(), asOf: 0 });
      return 'updated';
    }
    if (!isNew && existing === 'refuse') return 'refused';
    const sku = held ?? { gtins, inventory: NOTHING_KNOWN, lastSequence: 0, asOf: 0 };
    this.skus.set(entry.skuId, sku);
    sku.gtins = gtins;
    if (Object.keys(entry.inventory).length > 0) touched.add(entry.skuId);
    const next = { ...(isNew ? NOTHING_KNOWN : sku.inventory), ...entry.inventory };
    if (!sameInventory(next, sku.inventory)) sku.asOf = 0;
    sku.inventory = next;
    return isNew ? 'created' : 'updated';
  }

  /** Runs `work` and records its changes. Their order within a batch is not part of the model. */
  #asBatch<T>(
    work: (touched: Set<string>) => { readonly answer: T; readonly isRolledBack: boolean },
  ): T {
    const before = copyOf(this.skus);
    const touched = new Set<string>();
    const { answer, isRolledBack } = work(touched);
    if (isRolledBack) this.#restore(before);
    const changed = new Set<string>();
    for (const [skuId, sku] of this.skus) {
      const held = before.get(skuId);
      const inventory = held?.inventory ?? NOTHING_KNOWN;
      if (sameInventory(inventory, sku.inventory)) {
        // Changed and restored within the batch: the time does not advance.
        if (held !== undefined && sku.asOf === 0) sku.asOf = held.asOf;
        continue;
      }
      changed.add(skuId);
      const sequence = this.changes.length + 1;
      const change = {
        sequence,
        previousSequence: sku.lastSequence,
        skuId,
        before: inventory,
        after: sku.inventory,
      };
      this.changes.push(change);
      sku.lastSequence = sequence;
    }
    const atSequence = this.changes.length;
    for (const skuId of touched) {
      if (!changed.has(skuId)) this.#confirmed.push({ skuId, atSequence });
    }
    return answer;
  }
}

function copyOf(skus: ReadonlyMap<string, ModelSku>): Map<string, ModelSku> {
  return new Map([...skus].map(([skuId, sku]) => [skuId, { ...sku }]));
}

function leftOut(result: ModelResult): ModelResult {
  return result.status === 200 ? { status: 424, reason: 'left_out' } : result;
}
