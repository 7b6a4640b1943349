/** The audit log on SQLite: its tables, the function that chains its entries, and their check. */
import { createHash } from 'node:crypto';
import type { Database } from 'better-sqlite3';

/** Adds `audit_hash(before, entry)` to a connection. */
export function addAuditHash(db: Database): void {
  db.function('audit_hash', { deterministic: true }, (before: unknown, entry: unknown) =>
    createHash('sha256')
      .update(`${String(before)}\n${String(entry)}`)
      .digest('hex'),
  );
}

/** A migration: `audit_head` has the latest entry's sequence and hash, in one row once there is an entry. */
export const CREATE_AUDIT_TABLES = `
  CREATE TABLE audit_entries (
    sequence INTEGER PRIMARY KEY,
    organization_uuid TEXT NOT NULL,
    action TEXT NOT NULL,
    entry TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_entries_by_organization ON audit_entries (organization_uuid, sequence);
  CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
    BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_entries_are_kept BEFORE DELETE ON audit_entries
    BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
  `;

/** Selects the first entry that does not continue the chain, and a head that is not at its end. */
export const AUDIT_PROBLEMS = `SELECT problem FROM (
      SELECT 'entry ' || sequence || ' was changed, or an entry before it is missing' AS problem
      FROM (SELECT *, lag(hash, 1, '') OVER entries AS before, row_number() OVER entries AS number
        FROM audit_entries WINDOW entries AS (ORDER BY sequence))
      WHERE sequence <> number OR hash <> audit_hash(before, entry)
        OR organization_uuid IS NOT entry ->> '$.organization' OR action IS NOT entry ->> '$.action'
      ORDER BY sequence LIMIT 1)
    UNION ALL
    SELECT 'the log ends at entry ' || coalesce(max(audit_entries.sequence), 0) || ' and should end at entry '
      || coalesce((SELECT sequence FROM audit_head), 0) || ', or its end was changed'
    FROM audit_entries
    HAVING coalesce(max(sequence), 0) IS NOT coalesce((SELECT sequence FROM audit_head), 0)
      OR (SELECT hash FROM audit_entries ORDER BY sequence DESC LIMIT 1) IS NOT (SELECT hash FROM audit_head)`;
