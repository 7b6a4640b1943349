/** The audit log on PostgreSQL: its tables, the function that chains its entries, and their check. */

/** A migration: `audit_head` has the latest entry's sequence and hash, in one row once there is an entry. */
export const CREATE_AUDIT_TABLES = `
  CREATE FUNCTION audit_hash(before text, entry text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT encode(sha256(convert_to(before || chr(10) || entry, 'UTF8')), 'hex') $$;
  CREATE TABLE audit_entries (
    sequence bigint PRIMARY KEY,
    organization_uuid text NOT NULL,
    action text NOT NULL,
    entry text NOT NULL,
    hash text NOT NULL
  );
  CREATE INDEX audit_entries_by_organization ON audit_entries (organization_uuid, sequence);
  CREATE TABLE audit_head (
    id integer PRIMARY KEY CHECK (id = 1),
    sequence bigint NOT NULL,
    hash text NOT NULL
  );
  CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
  CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
  `;

/** Selects the first entry that does not continue the chain, and a head that is not at its end. */
export const AUDIT_PROBLEMS = `SELECT problem FROM (
      SELECT 'entry ' || sequence || ' was changed, or an entry before it is missing' AS problem
      FROM (SELECT *, lag(hash, 1, '') OVER entries AS before, row_number() OVER entries AS number
        FROM audit_entries WINDOW entries AS (ORDER BY sequence)) AS chained
      WHERE sequence <> number OR CASE WHEN hash <> audit_hash(before, entry) THEN true
        ELSE organization_uuid IS DISTINCT FROM entry::json ->> 'organization'
          OR action IS DISTINCT FROM entry::json ->> 'action' END
      ORDER BY sequence LIMIT 1) AS broken
    UNION ALL
    SELECT 'the log ends at entry ' || coalesce(max(audit_entries.sequence), 0) || ' and should end at entry '
      || coalesce((SELECT sequence FROM audit_head), 0) || ', or its end was changed'
    FROM audit_entries
    HAVING coalesce(max(sequence), 0) IS DISTINCT FROM coalesce((SELECT sequence FROM audit_head), 0)
      OR (SELECT hash FROM audit_entries ORDER BY sequence DESC LIMIT 1) IS DISTINCT FROM (SELECT hash FROM audit_head)`;
