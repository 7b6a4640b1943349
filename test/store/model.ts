import { type Inventory, NOTHING_KNOWN, sameInventory } from '../../src/domain/inventory.ts';
import type { LineDraft } from '../../src/domain/lines.ts';
import type { LineDetail } from '../../src/domain/batches.ts';
import type { CatalogueEntry } from '../../src/domain/catalogue.ts';

/** A change as the model and the database both tell it. */
export interface ToldChange {
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
  /** Of when its inventory is: 0 is whenever it was written, others are steps before and after all that. */
  asOf: number;
}

/** A line as the model reads it: its times are steps before (negative) and after the present. */
export interface ModelLine extends Omit<LineDraft, 'asOfUs'> {
  readonly asOf?: number | undefined;
}

export interface ModelTerms {
  readonly atomic: boolean;
  readonly snapshot: boolean;
}

/** What is told of a line: its status, and what kind of reason there is. */
export interface Verdict {
  readonly status: number;
  readonly reason?: LineDetail['kind'];
  readonly candidates?: readonly string[];
}

const APPLIED: Verdict = { status: 200 };

/** What a store should do to one supplier, in as few words as possible: no columns, no database, no speed. */
export class Model {
  readonly skus = new Map<string, ModelSku>();
  readonly changes: ToldChange[] = [];
  /** SKUs that a batch named and left as they were, by the count of changes at that time. */
  readonly #confirmed: { readonly skuId: string; readonly atSequence: number }[] = [];

  /** By the sequence of a change that undid another: the sequence of that one. */
  readonly #undone = new Map<number, number>();

  /** As it is now, to try things on. */
  copy(): Model {
    const copy = new Model();
    copy.#restore(structuredClone(this.skus));
    copy.changes.push(...this.changes);
    copy.#confirmed.push(...this.#confirmed);
    for (const [sequence, undone] of this.#undone) copy.#undone.set(sequence, undone);
    return copy;
  }

  applyLines(lines: readonly ModelLine[], terms: ModelTerms): readonly Verdict[] {
    return this.#asBatch((touched) => {
      const verdicts: Verdict[] = [];
      for (let from = 0; from < lines.length;) {
        const group = lines[from]?.group ?? 0;
        const isGroup = group > 0;
        const others = lines.findIndex((line, i) => i > from && line.group !== group);
        const end = !isGroup ? from + 1 : others < 0 ? lines.length : others;
        const undo = structuredClone(this.skus);
        const ofRun = lines.slice(from, end).map((line) => this.#applyLine(line));
        const isLeftOut = isGroup && ofRun.some(({ status }) => status !== 200);
        if (isLeftOut) this.#restore(undo);
        verdicts.push(...(isLeftOut ? ofRun.map(leftOut) : ofRun));
        from = end;
      }
      const isFailed = terms.atomic && verdicts.some(({ status }) => status !== 200);
      if (isFailed) return { answer: verdicts.map(leftOut), isTakenBack: true };
      const named = new Set<string>();
      for (const [i, line] of lines.entries()) {
        const isApplied = verdicts[i]?.status === 200;
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
        }
      }
      return { answer: verdicts, isTakenBack: false };
    });
  }

  #matches(line: ModelLine): readonly string[] {
    return [...this.skus].flatMap(([name, sku]) => {
      const isMatch =
        (line.skuId === null || line.skuId === name) &&
        line.gtins.every((gtin) => sku.gtins.has(gtin));
      return isMatch ? [name] : [];
    });
  }

  /** Every SKU that any of the line's identifiers means. */
  #named({ skuId, gtins }: ModelLine): readonly string[] {
    return [...this.skus].flatMap(([name, sku]) =>
      name === skuId || gtins.some((gtin) => sku.gtins.has(gtin)) ? [name] : [],
    );
  }

  #applyLine(line: ModelLine): Verdict {
    if (line.refusal !== undefined) return { status: 400 };
    const matches = this.#matches(line);
    const [match, another] = matches;
    const sku = this.skus.get(match ?? '');
    if (match === undefined || sku === undefined) return { status: 404 };
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

  /** Puts a batch back as far as nothing came after that was not undone; says what became of each SKU that it had changed. */
  revert(changes: readonly ToldChange[], force: boolean): ReadonlyMap<string, string> {
    const firstUndo = this.changes.length;
    const said = this.#asBatch(() => {
      const answer = new Map<string, string>();
      for (const { skuId, before, sequence } of changes) {
        const sku = this.skus.get(skuId);
        const isConfirmed = this.#confirmed.some(
          (confirmed) => confirmed.skuId === skuId && confirmed.atSequence >= sequence,
        );
        if (sku === undefined || !this.#isStanding(sequence, sku.lastSequence))
          answer.set(skuId, 'moved_on');
        else if (isConfirmed && !force) answer.set(skuId, 'confirmed');
        else {
          answer.set(skuId, 'reverted');
          sku.inventory = before;
          sku.asOf = 0;
        }
      }
      return { answer, isTakenBack: false };
    });
    for (const { skuId, sequence } of this.changes.slice(firstUndo)) {
      const undone = changes.find((change) => change.skuId === skuId);
      if (undone !== undefined) this.#undone.set(sequence, undone.sequence);
    }
    return said;
  }

  /** Whether a change is the last of its SKU, where those behind it that were undone are taken away. */
  #isStanding(sequence: number, last: number): boolean {
    const undone = this.#undone.get(last);
    const change = undone === undefined ? undefined : this.changes[undone - 1];
    if (last <= sequence || change === undefined) return last === sequence;
    return this.#isStanding(sequence, change.previousSequence);
  }

  applyEntries(entries: readonly { entry: CatalogueEntry; gtins: ReadonlySet<number> }[]): void {
    this.#asBatch((touched) => {
      for (const { entry, gtins } of entries) {
        const sku = this.skus.get(entry.skuId) ?? {
          gtins,
          inventory: NOTHING_KNOWN,
          lastSequence: 0,
          asOf: 0,
        };
        this.skus.set(entry.skuId, sku);
        sku.gtins = gtins;
        touched.add(entry.skuId);
        const next = { ...sku.inventory, ...entry.inventory };
        if (!sameInventory(next, sku.inventory)) sku.asOf = 0;
        sku.inventory = next;
      }
      return { answer: undefined, isTakenBack: false };
    });
  }

  /** Changes come in the order in which the batch first moved each SKU; the model leaves that open. */
  #asBatch<T>(
    work: (touched: Set<string>) => { readonly answer: T; readonly isTakenBack: boolean },
  ): T {
    const before = structuredClone(this.skus);
    const touched = new Set<string>();
    const { answer, isTakenBack } = work(touched);
    if (isTakenBack) this.#restore(before);
    const changed = new Set<string>();
    for (const [skuId, sku] of this.skus) {
      const held = before.get(skuId);
      const inventory = held?.inventory ?? NOTHING_KNOWN;
      if (sameInventory(inventory, sku.inventory)) {
        // There and back within a batch: no time of writing tells of it.
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

function leftOut(verdict: Verdict): Verdict {
  return verdict.status === 200 ? { status: 424, reason: 'left_out' } : verdict;
}
