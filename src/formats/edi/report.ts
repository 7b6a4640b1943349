/** What the EDI formats have in common while a file is read. */
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
