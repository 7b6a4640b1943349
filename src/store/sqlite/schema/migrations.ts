import { existsSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import {
  refuseNewer,
  type Migration,
  type OnMigrated,
  type PendingMigrations,
} from '../../driver.ts';
import { openForReading, type ConnectionSettings } from '../connection.ts';
import { CREATE_AUDIT_TABLES } from './audit.ts';
import { CREATE_FIRST_TABLES } from './first-tables.ts';
import { CREATE_NOTIFICATION_TABLES } from './notifications.ts';

/**
 * The schema as a list of migrations. Each runs once, in order, and is never edited after a release.
 * `PRAGMA user_version` is the number of migrations that have run.
 * Two rules make the hot path fast (docs/decisions/0003):
 * - A SKU's key packs its supplier and its number at that supplier into one integer (`skuKey`). So the
 *   inventory table is dense, a supplier's SKUs are adjacent in order of creation, and finding one by number
 *   is one index lookup.
 * - No index covers a column that an update of inventory changes.
 */
const MIGRATIONS: readonly string[] = [
  CREATE_FIRST_TABLES,
  `
  -- The as-of time of the inventory, in microseconds since the epoch. NULL: as of updated_at_ms, which
  -- saves most updates a value.
  ALTER TABLE inventory ADD COLUMN as_of_us INTEGER;

  -- How many SKUs are in stock and unrestricted, and the supplier's safety limit (NULL: the default).
  ALTER TABLE suppliers ADD COLUMN live_count INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE suppliers ADD COLUMN breaker_percent_max REAL;
  ALTER TABLE suppliers ADD COLUMN breaker_skus_min INTEGER;
  UPDATE suppliers SET live_count = (SELECT count(*) FROM inventory
    WHERE key BETWEEN (suppliers.id << 32) AND (suppliers.id << 32) + 0xffffffff
      AND quantity_in_stock > 0 AND restrictions IS NULL);

  ALTER TABLE batches ADD COLUMN first_sequence INTEGER;
  ALTER TABLE batches ADD COLUMN zeroed_count INTEGER NOT NULL DEFAULT 0;
  -- Lines per status, as a JSON object. NULL: all lines were applied.
  ALTER TABLE batches ADD COLUMN status_counts TEXT;
  ALTER TABLE batches ADD COLUMN duration_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE batches ADD COLUMN reason TEXT;
  ALTER TABLE batches ADD COLUMN reference TEXT;
  ALTER TABLE batches ADD COLUMN reverts_number INTEGER;
  -- The SKUs that the batch confirmed without changing them (domain/number-set.ts).
  ALTER TABLE batches ADD COLUMN confirmed BLOB;
  UPDATE batches SET first_sequence = of_batch.first_sequence
    FROM (SELECT supplier_id, batch_number, min(sequence) AS first_sequence FROM changes
      GROUP BY supplier_id, batch_number) AS of_batch
    WHERE of_batch.supplier_id = batches.supplier_id AND of_batch.batch_number = batches.number;

  -- The failed lines of a batch (store/sql/outcomes.ts). Subject to retention.
  CREATE TABLE batch_failures (
    supplier_id INTEGER NOT NULL,
    batch_number INTEGER NOT NULL,
    applied_at_ms INTEGER NOT NULL,
    failures BLOB NOT NULL,
    PRIMARY KEY (supplier_id, batch_number)
  ) STRICT;
  CREATE INDEX batch_failures_by_time ON batch_failures (applied_at_ms);

  CREATE TABLE idempotency_keys (
    supplier_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    batch_number INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    -- What each line did (store/sql/outcomes.ts), if the first reply included it.
    effects BLOB,
    PRIMARY KEY (supplier_id, key)
  ) STRICT;
  CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at_ms);

  -- Requests that may pass the safety limit once.
  CREATE TABLE confirmations (
    supplier_id INTEGER NOT NULL,
    code TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (supplier_id, code)
  ) STRICT;
  `,
  `
  -- How often the supplier should report, and the last sequence that was deleted.
  ALTER TABLE suppliers ADD COLUMN expected_interval_minutes INTEGER;
  ALTER TABLE suppliers ADD COLUMN dropped_sequence INTEGER NOT NULL DEFAULT 0;

  -- Inventory as the deleted changes left it. Replaying the remaining changes on it gives the inventory.
  CREATE TABLE baselines (
    supplier_id INTEGER NOT NULL,
    sku_number INTEGER NOT NULL,
    -- The SKU's last deleted change, and its time.
    sequence INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    quantity_in_stock INTEGER,
    quantity_on_backorder INTEGER,
    backorder_date INTEGER,
    restrictions INTEGER,
    PRIMARY KEY (supplier_id, sku_number)
  ) STRICT, WITHOUT ROWID;

  -- Random keys of this database.
  CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
  INSERT INTO secrets VALUES ('key', randomblob(32));

  CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    organization_id INTEGER NOT NULL REFERENCES organizations (id),
    url TEXT NOT NULL,
    description TEXT,
    -- Separated by commas. NULL: all suppliers that the organization sees.
    supplier_uuids TEXT,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_secret_until_ms INTEGER,
    paused_reason TEXT,
    created_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX webhooks_of_organization ON webhooks (organization_id);

  -- The delivered sequence of each webhook and supplier, and the message being delivered.
  CREATE TABLE webhook_positions (
    webhook_id INTEGER NOT NULL REFERENCES webhooks (id),
    supplier_id INTEGER NOT NULL,
    delivered_sequence INTEGER NOT NULL,
    message TEXT,
    version INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, supplier_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE webhook_attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER,
    text TEXT NOT NULL,
    is_delivered INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX attempts_of_webhook ON webhook_attempts (webhook_id, id);
  `,
  `
  -- File jobs: uploaded files, their options and their results.
  CREATE TABLE feeds (
    supplier_id INTEGER NOT NULL REFERENCES suppliers (id),
    -- In upload order.
    number INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    user_id INTEGER REFERENCES users (id),
    filename TEXT,
    bytes INTEGER NOT NULL,
    asked TEXT NOT NULL,
    reason TEXT,
    reference TEXT,
    idempotency_key TEXT,
    fingerprint BLOB,
    state TEXT NOT NULL,
    -- The detected format. NULL: the file has not been opened yet.
    found TEXT,
    row_count INTEGER NOT NULL DEFAULT 0,
    rows_expected INTEGER,
    status_counts TEXT NOT NULL DEFAULT '{}',
    problem_code TEXT,
    problem_detail TEXT,
    uploaded_at_ms INTEGER NOT NULL,
    started_at_ms INTEGER,
    finished_at_ms INTEGER,
    is_confirmed INTEGER NOT NULL DEFAULT 0,
    is_cancel_asked INTEGER NOT NULL DEFAULT 0,
    -- Whether the file itself still exists.
    is_kept INTEGER NOT NULL DEFAULT 1,
    -- The node that processes the file, and when its lease expires.
    claimed_by TEXT,
    claimed_until_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (supplier_id, number)
  ) STRICT;
  CREATE UNIQUE INDEX feeds_by_uuid ON feeds (supplier_id, uuid);
  CREATE UNIQUE INDEX feeds_by_key ON feeds (supplier_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
  CREATE INDEX open_feeds ON feeds (supplier_id, number) WHERE state IN ('waiting', 'reading');
  CREATE INDEX kept_feeds ON feeds (uploaded_at_ms) WHERE is_kept = 1;

  -- The chunks of a file that were applied, each as one batch.
  CREATE TABLE feed_pieces (
    supplier_id INTEGER NOT NULL,
    feed_number INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    -- NULL: no batch was written, and failures holds the failed lines (store/sql/outcomes.ts).
    batch_uuid TEXT,
    failures BLOB,
    PRIMARY KEY (supplier_id, feed_number, piece)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE feed_suppliers (
    supplier_id INTEGER PRIMARY KEY REFERENCES suppliers (id),
    last_number INTEGER NOT NULL DEFAULT 0,
    -- The supplier's own column names, as JSON.
    column_names TEXT NOT NULL DEFAULT '[]'
  ) STRICT;
  `,
  `
  -- The reports stored beside a file. Stored bytes are summed when a file is added.
  ALTER TABLE feeds ADD COLUMN report_bytes INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX kept_feeds_of_supplier ON feeds (supplier_id, bytes, report_bytes) WHERE is_kept = 1;
  `,
  `
  -- Webhooks have a permission of their own. Credentials that could write, and retailers' that could read,
  -- keep what they could do.
  UPDATE tokens SET permissions = permissions || ' manage_webhooks'
    WHERE user_id IN (SELECT users.id FROM users JOIN organizations
      ON organizations.id = users.organization_id
      WHERE ' ' || tokens.permissions || ' ' LIKE
        CASE type WHEN 'supplier' THEN '% edit_items %' ELSE '% view_items %' END);
  UPDATE users SET permissions = permissions || ' manage_webhooks'
    WHERE organization_id IN (SELECT organizations.id FROM organizations
      WHERE ' ' || users.permissions || ' ' LIKE
        CASE type WHEN 'supplier' THEN '% edit_items %' ELSE '% view_items %' END);

  -- Who made a webhook, or last changed its URL or resumed it. NULL: made before this was stored.
  ALTER TABLE webhooks ADD COLUMN user_id INTEGER;
  ALTER TABLE webhooks ADD COLUMN token_id INTEGER;
  -- When the URL first answered 2xx. NULL: not yet.
  ALTER TABLE webhooks ADD COLUMN verified_at_ms INTEGER;

  -- A disabled user can neither log in nor use a token.
  ALTER TABLE users ADD COLUMN disabled_at_ms INTEGER;
  `,
  `
  -- A disabled organization: none of its users can log in, none of its tokens opens anything, and its webhooks stop.
  -- Not called disabled_at_ms: in statements of earlier versions, that name means the column of users alone.
  ALTER TABLE organizations ADD COLUMN suspended_at_ms INTEGER;
  `,
  `
  -- The inventory table has all changes up to this sequence, and perhaps later ones (docs/durability.md).
  ALTER TABLE suppliers ADD COLUMN complete_sequence INTEGER NOT NULL DEFAULT 0;
  UPDATE suppliers SET complete_sequence = last_sequence;
  `,
  `
  -- How a supplier's files are read: rules by name, as a JSON object of texts.
  ALTER TABLE feed_suppliers ADD COLUMN rules TEXT NOT NULL DEFAULT '{}';
  `,
  `
  -- Titles by their first characters, without the case of A to Z (store/sql/title-prefix.ts).
  CREATE INDEX skus_by_title ON skus (supplier_id, lower(substr(title, 1, 32)))
    WHERE title IS NOT NULL;
  `,
  `
  -- Operators: the third type of organization. A CHECK cannot be altered, so the table is made again under its name;
  -- the rows that refer to it are checked when the migration commits.
  PRAGMA defer_foreign_keys = ON;
  CREATE TEMP TABLE organizations_before AS SELECT * FROM organizations;
  DROP TABLE organizations;
  CREATE TABLE organizations (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL CHECK (type IN ('supplier', 'retailer', 'operator')),
    created_at_ms INTEGER NOT NULL,
    suspended_at_ms INTEGER
  ) STRICT;
  INSERT INTO organizations (id, uuid, name, type, created_at_ms, suspended_at_ms)
    SELECT id, uuid, name, type, created_at_ms, suspended_at_ms FROM organizations_before;
  DROP TABLE organizations_before;
  CREATE TRIGGER organization_updated AFTER UPDATE ON organizations
    BEGIN UPDATE account_version SET number = number + 1; END;

  -- 'api', 'login' or 'session'. NULL, as from earlier versions: 'login' for a user with a name, else 'api'.
  ALTER TABLE tokens ADD COLUMN kind TEXT;
  ALTER TABLE tokens ADD COLUMN uuid TEXT;
  ALTER TABLE tokens ADD COLUMN name TEXT;
  ALTER TABLE tokens ADD COLUMN last_used_at_ms INTEGER;
  -- Where a session was begun.
  ALTER TABLE tokens ADD COLUMN user_agent TEXT;
  ALTER TABLE tokens ADD COLUMN address TEXT;
  UPDATE tokens SET uuid = lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' ||
    substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)));
  CREATE UNIQUE INDEX tokens_by_uuid ON tokens (uuid);
  CREATE INDEX tokens_of_user ON tokens (user_id);
  -- The use of a token revokes nothing.
  DROP TRIGGER token_updated;
  CREATE TRIGGER token_updated
    AFTER UPDATE OF token_hash, user_id, permissions, kind, expires_at_ms, revoked_at_ms ON tokens
    BEGIN UPDATE account_version SET number = number + 1; END;
  `,
  `
  -- How many SKUs are retired: their restriction has the code 127, and their GTINs are not in gtins.
  ALTER TABLE suppliers ADD COLUMN retired_count INTEGER NOT NULL DEFAULT 0;

  -- What a batch did to products, so that it can be undone. Subject to retention.
  CREATE TABLE product_changes (
    supplier_id INTEGER NOT NULL,
    batch_number INTEGER NOT NULL,
    applied_at_ms INTEGER NOT NULL,
    -- The SKUs whose product it wrote (domain/number-set.ts).
    written BLOB NOT NULL,
    -- How to undo that (store/sql/product-changes.ts). NULL: it cannot be undone.
    undo BLOB,
    PRIMARY KEY (supplier_id, batch_number)
  ) STRICT;
  CREATE INDEX product_changes_by_time ON product_changes (applied_at_ms);
  `,
  `
  -- The batches of each supplier, hour and source, added up when they are written.
  CREATE TABLE hour_counts (
    supplier_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    source TEXT NOT NULL,
    batches INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (supplier_id, hour, source)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX hour_counts_by_hour ON hour_counts (hour);
  `,
  "CREATE INDEX held_feeds ON feeds (supplier_id, number) WHERE state = 'held';",
  // Searches find a sku_id in any case of A to Z.
  'CREATE INDEX skus_by_lowered_sku_id ON skus (supplier_id, lower(sku_id));',
  // The last change of a batch that is not committed; 0 if there is none. Changes beyond last_sequence do not count.
  'ALTER TABLE suppliers ADD COLUMN staged_sequence INTEGER NOT NULL DEFAULT 0;',
  CREATE_AUDIT_TABLES,
  `
  -- What each attempt sent and received (JSON, without secrets), and the changes in its message. NULL: stored before.
  ALTER TABLE webhook_attempts ADD COLUMN supplier_id INTEGER;
  ALTER TABLE webhook_attempts ADD COLUMN after_sequence INTEGER;
  ALTER TABLE webhook_attempts ADD COLUMN to_sequence INTEGER;
  ALTER TABLE webhook_attempts ADD COLUMN exchange TEXT;
  `,
  `
  -- The W3C trace context in which each was sent (tracing/spans.ts). NULL: none.
  ALTER TABLE batches ADD COLUMN traceparent TEXT;
  ALTER TABLE feeds ADD COLUMN traceparent TEXT;
  `,
  CREATE_NOTIFICATION_TABLES,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Runs the pending migrations, each in its own transaction. */
export function migrate(db: Database, onMigrated: OnMigrated = () => undefined): void {
  const runNext = db.transaction((): Migration | undefined => {
    const startedMs = performance.now();
    const from = schemaVersion(db);
    refuseNewer(from, SCHEMA_VERSION);
    const next = MIGRATIONS[from];
    if (next === undefined) return undefined;
    db.exec(next);
    db.pragma(`user_version = ${from + 1}`);
    return { from, to: from + 1, durationMs: performance.now() - startedMs };
  });
  for (;;) {
    const migration = runNext.immediate();
    if (migration === undefined) return;
    onMigrated(migration);
  }
}

/** The migrations that `migrate` would run. Changes nothing, and creates no file. */
export function pendingMigrations(settings: ConnectionSettings): PendingMigrations {
  const version = existsSync(settings.path) ? versionOf(settings) : 0;
  refuseNewer(version, SCHEMA_VERSION);
  return { version, knownVersion: SCHEMA_VERSION, steps: MIGRATIONS.slice(version) };
}

function versionOf(settings: ConnectionSettings): number {
  const db = openForReading(settings);
  try {
    return schemaVersion(db);
  } finally {
    db.close();
  }
}

export function schemaVersion(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

const NUMBERS_PER_SUPPLIER = 2 ** 32;

/** The key of a SKU: its supplier's id times 2³², plus its number at the supplier, from 1. */
export function skuKey(supplierId: number, skuNumber: number): number {
  return supplierId * NUMBERS_PER_SUPPLIER + skuNumber;
}

export function supplierIdOfKey(key: number): number {
  return Math.floor(key / NUMBERS_PER_SUPPLIER);
}
