/** The reader: a thread of its own for reads that may take a while, such as a filtered count. */
import { openForReading, type ConnectionSettings } from './connection.ts';
import { serveThread } from './threads.ts';
import type { CompiledStatement } from './writer.ts';

/** What a reader can be asked. */
export interface ReaderCalls {
  /** Rows, whose type only the one who asks knows. */
  readonly query: (statement: CompiledStatement) => never[];
}

serveThread<ConnectionSettings, ReaderCalls>((settings) => {
  const db = openForReading(settings);
  return {
    calls: { query: ({ sql, parameters }) => db.prepare<unknown[], never>(sql).all(...parameters) },
    close: () => db.close(),
  };
});
