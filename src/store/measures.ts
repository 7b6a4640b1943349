/** What a store tells operators about itself. */
export interface StoreHealth {
  /** The machines of a distributed database that hold the rows of suppliers; undefined if it is not distributed. */
  readonly workers?: readonly WorkerHealth[];
}

export interface WorkerHealth {
  /** Its address, for operators. */
  readonly name: string;
  /** Its suppliers can be read and written only while it is up. */
  readonly isUp: boolean;
}

/** What a store tells operators about itself. Each implementation has members of its own. */
export interface StoreMeasures {
  /** How long each of the store's threads has worked, in ms. */
  readonly threadsActiveMs?: Readonly<Record<string, number>>;
  /** The log of changes, of a store whose inventory table follows later. */
  readonly log?: {
    /** Changes that the inventory table lacks. */
    readonly tailChanges: number;
    /** When the table was last brought up to date, and when the log was last copied into the file. */
    readonly sweptAtMs: number;
    readonly checkpointedAtMs: number;
    /** The size of the write-ahead log. */
    readonly bytes: number;
  };
  /** The standby that answers reads, how far it is behind, and how many reads each server has answered. */
  readonly standby?: {
    readonly isUp: boolean;
    /** Undefined if it is not known. */
    readonly behindMs: number | undefined;
    readonly reads: Readonly<Record<'standby' | 'primary', number>>;
  };
  /** Connections to the database by state, and the calls that wait for one. */
  readonly connections?: {
    readonly busy: number;
    readonly idle: number;
    readonly waiting: number;
  };
}
