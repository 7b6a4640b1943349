/** What suppliers sent, counted by hour. */
import { APPLIED } from './batch-decision.ts';
import type { BatchOrigin, BatchSource } from './batches.ts';

export const HOUR_MS = 3_600_000;

/** Batches and what they did. */
export interface BatchCounts {
  readonly batches: number;
  readonly lines: number;
  /** SKUs that were changed; a SKU counts once per batch. */
  readonly changed: number;
  /** Lines that were not applied. */
  readonly failed: number;
}

/** The batches of one source that were applied within an hour. */
export interface HourCounts extends BatchCounts {
  /** Hours since 1970-01-01T00:00Z. */
  readonly hour: number;
  readonly source: BatchSource;
}

interface CountedBatch {
  readonly origin: Pick<BatchOrigin, 'supplierId' | 'source'>;
  readonly appliedAtMs: number;
  readonly lineCount: number;
  readonly changedCount: number;
  /** One per line; omitted if all were applied. */
  readonly statuses?: Uint16Array;
}

type Row = { -readonly [Name in keyof HourCounts]: HourCounts[Name] } & {
  readonly supplierId: number;
};

/** Adds up the batches of one transaction. */
export class TransactionCounts {
  /** Few: the suppliers and sources of one group. */
  #rows: Row[] = [];

  get rows(): readonly Readonly<Row>[] {
    return this.#rows;
  }

  clear(): void {
    this.#rows = [];
  }

  add({ origin, appliedAtMs, lineCount, changedCount, statuses }: CountedBatch): void {
    const { supplierId, source } = origin;
    const hour = Math.floor(appliedAtMs / HOUR_MS);
    const row = this.#rowOf(supplierId, hour, source);
    row.batches += 1;
    row.lines += lineCount;
    row.changed += changedCount;
    if (statuses === undefined) return;
    for (const status of statuses) if (status !== APPLIED) row.failed += 1;
  }

  #rowOf(supplierId: number, hour: number, source: BatchSource): Row {
    const last = this.#rows.at(-1);
    const isOf = (row: Row): boolean =>
      row.supplierId === supplierId && row.source === source && row.hour === hour;
    const known = last !== undefined && isOf(last) ? last : this.#rows.find(isOf);
    if (known !== undefined) return known;
    const row: Row = { supplierId, hour, source, batches: 0, lines: 0, changed: 0, failed: 0 };
    this.#rows.push(row);
    return row;
  }
}
