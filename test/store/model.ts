import { NOTHING_KNOWN, sameInventory, type Inventory } from '../../src/domain/inventory.ts';
import type { LineDraft } from '../../src/domain/lines.ts';
import type { LineDetail } from '../../src/store/store.ts';
import type { CatalogueEntry } from '../../src/domain/sku.ts';

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
}

/** What a store should do to one supplier, in as few words as possible: no columns, no database, no speed. */
export class Model {
  readonly skus = new Map<string, ModelSku>();
  readonly changes: ToldChange[] = [];

  applyLines(lines: readonly LineDraft[]): readonly { status: number; detail?: LineDetail }[] {
    return this.#asBatch(() =>
      lines.map(({ skuId, gtins, fields }) => {
        const matches = [...this.skus].filter(
          ([name, sku]) =>
            (skuId === null || skuId === name) && gtins.every((gtin) => sku.gtins.has(gtin)),
        );
        const [match] = matches;
        if (match === undefined) return { status: 404 };
        if (matches.length > 1) {
          const skuIds = matches.slice(0, 5).map(([name]) => name);
          return { status: 422, detail: { kind: 'ambiguous', skuIds } };
        }
        match[1].inventory = { ...match[1].inventory, ...fields };
        return { status: 200 };
      }),
    );
  }

  applyEntries(entries: readonly { entry: CatalogueEntry; gtins: ReadonlySet<number> }[]): void {
    this.#asBatch(() => {
      for (const { entry, gtins } of entries) {
        const sku = this.skus.get(entry.skuId) ?? {
          gtins,
          inventory: NOTHING_KNOWN,
          lastSequence: 0,
        };
        this.skus.set(entry.skuId, sku);
        sku.gtins = gtins;
        sku.inventory = { ...sku.inventory, ...entry.inventory };
      }
    });
  }

  /** Changes come in the order in which the batch first moved each SKU; the model leaves that open. */
  #asBatch<T>(work: () => T): T {
    const before = new Map([...this.skus].map(([name, sku]) => [name, sku.inventory]));
    const answer = work();
    for (const [skuId, sku] of this.skus) {
      const held = before.get(skuId) ?? NOTHING_KNOWN;
      if (sameInventory(held, sku.inventory)) continue;
      const sequence = this.changes.length + 1;
      this.changes.push({
        sequence,
        previousSequence: sku.lastSequence,
        skuId,
        before: held,
        after: sku.inventory,
      });
      sku.lastSequence = sequence;
    }
    return answer;
  }
}
