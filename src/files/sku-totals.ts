/** The row of each SKU that is, or may be, the total of its other rows, as exports write it below the warehouses. */

/** What is known of it. */
export interface SkuTotal {
  readonly row: number;
  readonly stock: number;
  readonly backorder: number;
  /**
   * `named`: its location says so. `repeated`: several rows are. `unclear`: it names no location, and others of the SKU
   * do.
   */
  readonly kind: 'named' | 'repeated' | 'unclear';
}

const KINDS = [undefined, 'unclear', 'named', 'repeated'] as const;
const [, UNCLEAR, NAMED, REPEATED] = [0, 1, 2, 3] as const;

const COLUMNS = ['rows', 'stocks', 'backorders', 'kinds'] as const;

type Columns = ReturnType<typeof columnsOf>;

function columnsOf(size: number) {
  return {
    rows: new Uint32Array(size),
    stocks: new Float64Array(size),
    backorders: new Float64Array(size),
    kinds: new Uint8Array(size),
  };
}

/** Totals by the slot of their SKU, in arrays that are created with the first total: few files have any. */
export class SkuTotals {
  #columns: Columns | undefined;

  /** Keeps a row that its location calls the total. A second one of a SKU makes both unclear. */
  addNamed(slot: number, size: number, row: Omit<SkuTotal, 'kind'>): void {
    this.#set(slot, size, row, this.#kindAt(slot) >= NAMED ? REPEATED : NAMED);
  }

  /**
   * Keeps the row with the most of those without a location, unless its SKU has a total: only that one can be as much as
   * all others together.
   */
  addUnplaced(slot: number, size: number, row: Omit<SkuTotal, 'kind'>): void {
    const known = this.of(slot);
    const hasMore =
      known?.kind === 'unclear' &&
      (row.stock > known.stock || (row.stock === known.stock && row.backorder > known.backorder));
    if (known === undefined || hasMore) this.#set(slot, size, row, UNCLEAR);
  }

  of(slot: number): SkuTotal | undefined {
    const kind = KINDS[this.#kindAt(slot)];
    if (this.#columns === undefined || kind === undefined) return undefined;
    const { rows, stocks, backorders } = this.#columns;
    return {
      row: rows[slot] ?? 0,
      stock: stocks[slot] ?? 0,
      backorder: backorders[slot] ?? 0,
      kind,
    };
  }

  /** Moves each total to the slot that its SKU has in larger arrays. */
  grow(size: number, slots: Iterable<readonly [from: number, to: number]>): void {
    const before = this.#columns;
    if (before === undefined) return;
    const after = columnsOf(size);
    for (const [from, to] of slots) {
      for (const name of COLUMNS) after[name][to] = before[name][from] ?? 0;
    }
    this.#columns = after;
  }

  #kindAt(slot: number): number {
    return this.#columns?.kinds[slot] ?? 0;
  }

  #set(
    slot: number,
    size: number,
    { row, stock, backorder }: Omit<SkuTotal, 'kind'>,
    kind: number,
  ) {
    this.#columns ??= columnsOf(size);
    const { rows, stocks, backorders, kinds } = this.#columns;
    rows[slot] = row;
    stocks[slot] = stock;
    backorders[slot] = backorder;
    kinds[slot] = kind;
  }
}
