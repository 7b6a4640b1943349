/** The part of the store contract about the audit log (see `store.ts`). */
import type { AuditEntry, AuditNote } from '../domain/audit.ts';

export interface AuditQuery {
  /** Only entries after this sequence. */
  readonly after?: number | undefined;
  readonly organizationUuid?: string | undefined;
  readonly action?: string | undefined;
  readonly limit: number;
  /** Which entries the limit keeps; the first by default. Either way the oldest comes first. */
  readonly keep?: 'first' | 'last';
}

export interface AuditStore {
  /** Entries of the audit log, the oldest first. */
  read(query: AuditQuery): Promise<readonly AuditEntry[]>;
  /** Adds an entry about what was done just now, in a transaction of its own: for batches, which have theirs. */
  append(note: AuditNote): Promise<void>;
}
