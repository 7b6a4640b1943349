/** Reads a file of EDI reports: its rows, and what is known about it meanwhile. */
import type { FileRow } from '../format.ts';

export interface AcknowledgementOptions {
  /** The control number of the acknowledgement, 1 … 999999999, unique for its receiver. */
  readonly controlNumber: number;
  /** The acknowledgement's timestamp, in milliseconds since 1970-01-01T00:00Z; printed in UTC. */
  readonly atMs: number;
  /** Whether the file was refused as a whole, so that all of its content is rejected. */
  readonly isRefused: boolean;
}

/** A file of inventory reports. */
export interface EdiReport {
  /** Can be read once. */
  readonly rows: AsyncGenerator<readonly FileRow[]>;
  /**
   * The date of the first report that has one (`ccyymmdd`, then its time); as written if it cannot be read,
   * and null if there is none so far.
   */
  readonly datedAs: string | null;
  /** The acknowledgements of the interchanges received so far, one each. */
  acknowledge(optionsOf: (interchange: number) => AcknowledgementOptions): readonly string[];
}

/** Checks the envelopes of a file while it is read. */
interface EnvelopeChecks<Segment> {
  /** Checks a segment. Throws if the file must be refused. */
  take(segment: Segment): unknown;
  /** Checks that everything is closed at the end. `last` is the number of the last segment. */
  end(last: number): void;
}

/** The rows that `take` adds, in arrays of any length. */
export async function* readRows<Segment extends { readonly number: number }>(
  chunks: AsyncIterable<readonly Segment[]>,
  envelopes: EnvelopeChecks<Segment>,
  take: (segment: Segment, rows: FileRow[]) => void,
): AsyncGenerator<readonly FileRow[]> {
  let last = 0;
  for await (const segments of chunks) {
    const rows: FileRow[] = [];
    for (const segment of segments) {
      last = segment.number;
      take(segment, rows);
    }
    if (rows.length > 0) yield rows;
  }
  envelopes.end(last);
}

/** Checks the envelopes without building rows. Stops early if the signal is aborted. */
export async function checkEnvelopes<Segment extends { readonly number: number }>(
  chunks: AsyncIterable<readonly Segment[]>,
  envelopes: EnvelopeChecks<Segment>,
  signal: AbortSignal,
): Promise<void> {
  let last = 0;
  for await (const segments of chunks) {
    if (signal.aborted) return;
    for (const segment of segments) {
      last = segment.number;
      envelopes.take(segment);
    }
  }
  envelopes.end(last);
}
