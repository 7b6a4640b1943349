/** The reader: a thread of its own for reads that may take a while, such as a filtered count. */
import type { Change, Freshness } from '../../../domain/changes.ts';
import type { ChangeColumns } from '../write/change-columns.ts';
import { ChangeReader } from './change-reader.ts';
import { openForReading, type ConnectionSettings } from '../connection.ts';
import { serveThread } from '../threads.ts';
import type { CompiledStatement } from '../write/writer-thread.ts';

/** What a reader can be asked. */
export interface ReaderCalls {
  /** Rows, whose type only the one who asks knows. */
  readonly query: (statement: CompiledStatement) => never[];
  readonly changes: (asked: {
    readonly supplierId: number;
    readonly afterSequence: number;
    readonly limit: number;
  }) => ChangeColumns;
  readonly history: (asked: Parameters<ChangeReader['history']>[0]) => Change[];
  readonly freshness: (asked: { readonly supplierId: number; readonly nowMs: number }) => Freshness;
}

serveThread<ConnectionSettings, ReaderCalls>((settings) => {
  const db = openForReading(settings);
  const changeReads = new ChangeReader(db);
  return {
    calls: {
      query: ({ sql, parameters }) => db.prepare<unknown[], never>(sql).all(...parameters),
      changes: ({ supplierId, afterSequence, limit }) =>
        changeReads.after(supplierId, afterSequence, limit),
      history: (asked) => changeReads.history(asked),
      freshness: ({ supplierId, nowMs }) => changeReads.freshness(supplierId, nowMs),
    },
    close: () => db.close(),
  };
});
