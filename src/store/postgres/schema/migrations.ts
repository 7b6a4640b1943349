import type { PoolClient } from 'pg';
import { refuseNewer, type OnMigrated } from '../../driver.ts';
import { type ConnectionPool, read, inTransaction } from '../connection/pool.ts';
import { CREATE_AUDIT_TABLES } from './audit.ts';
import { distribute, isDistributed } from './distribution.ts';
import { lockSchema } from './lock.ts';
import { createFirstTables, growingTable, type SchemaOptions } from './first-tables.ts';
import { CREATE_FAILED_FILES_INDEX, CREATE_NOTIFICATION_TABLES } from './notifications.ts';

/**
 * The schema, as migrations that run once each, in order. Released migrations never change. Each has a
 * counterpart in `sqlite/schema/migrations.ts`.
 *
 * Rules, which a test checks against the system catalogue:
 *
 * - Every table that grows with SKUs or batches has `supplier_id` first in its primary key, in every
 *   unique index and in every foreign key, so that the schema can be distributed by it. `distribution.ts` says where
 *   each table is.
 * - No index covers a column that an inventory update changes, so that all such updates are HOT.
 */
export type { SchemaOptions };

/**
 * Each returns the SQL of one migration, as one text or as a list of statements. Citus alters a distributed table only in a
 * statement of its own, so migrations that alter one are lists from now on. (Only current schemas are distributed.)
 */
export const MIGRATIONS: readonly ((options: SchemaOptions) => string | readonly string[])[] = [
  createFirstTables,
  (options) => `
  -- The as-of time of the inventory, in microseconds since the epoch. NULL: as of updated_at_ms.
  ALTER TABLE inventory ADD COLUMN as_of_us bigint;

  -- How many SKUs are in stock and unrestricted, and the supplier's safety limit (NULL: the default).
  ALTER TABLE suppliers ADD COLUMN live_count bigint NOT NULL DEFAULT 0;
  ALTER TABLE suppliers ADD COLUMN breaker_percent_max double precision;
  ALTER TABLE suppliers ADD COLUMN breaker_skus_min bigint;
  UPDATE suppliers SET live_count = (SELECT count(*) FROM inventory
    WHERE supplier_id = suppliers.id AND quantity_in_stock > 0 AND restrictions IS NULL);

  ALTER TABLE batches ADD COLUMN first_sequence bigint;
  ALTER TABLE batches ADD COLUMN zeroed_count integer NOT NULL DEFAULT 0;
  -- Lines per status, as a JSON object. NULL: all lines were applied.
  ALTER TABLE batches ADD COLUMN status_counts text;
  ALTER TABLE batches ADD COLUMN duration_ms integer NOT NULL DEFAULT 0;
  ALTER TABLE batches ADD COLUMN reason text;
  ALTER TABLE batches ADD COLUMN reference text;
  ALTER TABLE batches ADD COLUMN reverts_number bigint;
  -- The SKUs that the batch confirmed without changing them (domain/number-set.ts).
  ALTER TABLE batches ADD COLUMN confirmed bytea;
  UPDATE batches SET first_sequence = of_batch.first_sequence
    FROM (SELECT supplier_id, batch_number, min(sequence) AS first_sequence FROM changes
      GROUP BY supplier_id, batch_number) AS of_batch
    WHERE of_batch.supplier_id = batches.supplier_id AND of_batch.batch_number = batches.number;

  -- The failed lines of a batch (store/sql/outcomes.ts). Subject to retention.
  ${growingTable(
    options,
    'batch_failures',
    `supplier_id integer NOT NULL,
    batch_number bigint NOT NULL,
    applied_at_ms bigint NOT NULL,
    failures bytea NOT NULL,
    PRIMARY KEY (supplier_id, batch_number)`,
  )}
  CREATE INDEX batch_failures_by_time ON batch_failures (applied_at_ms);

  ${growingTable(
    options,
    'idempotency_keys',
    `supplier_id integer NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    batch_number bigint NOT NULL,
    request_id text NOT NULL,
    expires_at_ms bigint NOT NULL,
    -- What each line did (store/sql/outcomes.ts), if the first reply included it.
    effects bytea,
    PRIMARY KEY (supplier_id, key)`,
  )}
  CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at_ms);

  -- Requests that may pass the safety limit once.
  ${growingTable(
    options,
    'confirmations',
    `supplier_id integer NOT NULL,
    code text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    expires_at_ms bigint NOT NULL,
    PRIMARY KEY (supplier_id, code)`,
  )}
  `,
  (options) => `
  -- How often the supplier should report, and the last sequence that was deleted.
  ALTER TABLE suppliers ADD COLUMN expected_interval_minutes integer;
  ALTER TABLE suppliers ADD COLUMN dropped_sequence bigint NOT NULL DEFAULT 0;

  -- Inventory as the deleted changes left it. Replaying the remaining changes on it gives the inventory.
  ${growingTable(
    options,
    'baselines',
    `supplier_id integer NOT NULL,
    sku_number bigint NOT NULL,
    -- The SKU's last deleted change, and its time.
    sequence bigint NOT NULL,
    changed_at_ms bigint NOT NULL,
    quantity_in_stock integer,
    quantity_on_backorder integer,
    backorder_date integer,
    restrictions smallint,
    PRIMARY KEY (supplier_id, sku_number)`,
  )}

  -- Random keys of this database.
  CREATE TABLE secrets (name text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
  INSERT INTO secrets VALUES ('key', sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

  CREATE TABLE webhooks (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    uuid uuid NOT NULL UNIQUE,
    organization_id integer NOT NULL REFERENCES organizations (id),
    url text NOT NULL,
    description text,
    -- Separated by commas. NULL: all suppliers that the organization sees.
    supplier_uuids text,
    secret text NOT NULL,
    previous_secret text,
    previous_secret_until_ms bigint,
    paused_reason text,
    created_at_ms bigint NOT NULL
  );
  CREATE INDEX webhooks_of_organization ON webhooks (organization_id);

  -- The delivered sequence of each webhook and supplier, and the message being delivered.
  CREATE TABLE webhook_positions (
    webhook_id integer NOT NULL REFERENCES webhooks (id),
    supplier_id integer NOT NULL,
    delivered_sequence bigint NOT NULL,
    message text,
    version bigint NOT NULL,
    PRIMARY KEY (webhook_id, supplier_id)
  );

  CREATE TABLE webhook_attempts (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    webhook_id integer NOT NULL,
    message_id text NOT NULL,
    started_at_ms bigint NOT NULL,
    duration_ms integer NOT NULL,
    status integer,
    text text NOT NULL,
    is_delivered integer NOT NULL
  );
  CREATE INDEX attempts_of_webhook ON webhook_attempts (webhook_id, id);
  `,
  (options) => `
  -- File jobs: uploaded files, their options and their results.
  ${growingTable(
    options,
    'feeds',
    `supplier_id integer NOT NULL,
    -- In upload order.
    number bigint NOT NULL,
    uuid uuid NOT NULL,
    user_id integer,
    filename text,
    bytes bigint NOT NULL,
    asked text NOT NULL,
    reason text,
    reference text,
    idempotency_key text COLLATE "C",
    fingerprint bytea,
    state text COLLATE "C" NOT NULL,
    -- The detected format. NULL: the file has not been opened yet.
    found text,
    row_count bigint NOT NULL DEFAULT 0,
    rows_expected bigint,
    status_counts text NOT NULL DEFAULT '{}',
    problem_code text,
    problem_detail text,
    uploaded_at_ms bigint NOT NULL,
    started_at_ms bigint,
    finished_at_ms bigint,
    is_confirmed integer NOT NULL DEFAULT 0,
    is_cancel_asked integer NOT NULL DEFAULT 0,
    -- Whether the file itself still exists.
    is_kept integer NOT NULL DEFAULT 1,
    -- The node that processes the file, and when its lease expires.
    claimed_by text COLLATE "C",
    claimed_until_ms bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (supplier_id, number)`,
  )}
  CREATE UNIQUE INDEX feeds_by_uuid ON feeds (supplier_id, uuid);
  CREATE UNIQUE INDEX feeds_by_key ON feeds (supplier_id, idempotency_key);
  CREATE INDEX open_feeds ON feeds (supplier_id, number) WHERE state IN ('waiting', 'reading');
  CREATE INDEX kept_feeds ON feeds (uploaded_at_ms) WHERE is_kept = 1;

  -- The chunks of a file that were applied, each as one batch.
  ${growingTable(
    options,
    'feed_pieces',
    `supplier_id integer NOT NULL,
    feed_number bigint NOT NULL,
    piece integer NOT NULL,
    row_count integer NOT NULL,
    -- NULL: no batch was written, and failures holds the failed lines (store/sql/outcomes.ts).
    batch_uuid uuid,
    failures bytea,
    PRIMARY KEY (supplier_id, feed_number, piece)`,
  )}

  CREATE TABLE feed_suppliers (
    supplier_id integer PRIMARY KEY REFERENCES organizations (id),
    last_number bigint NOT NULL DEFAULT 0,
    -- The supplier's own column names, as JSON.
    column_names text NOT NULL DEFAULT '[]'
  );
  `,
  () => `
  -- The reports stored beside a file. Stored bytes are summed when a file is added.
  ALTER TABLE feeds ADD COLUMN report_bytes bigint NOT NULL DEFAULT 0;
  CREATE INDEX kept_feeds_of_supplier ON feeds (supplier_id, bytes, report_bytes) WHERE is_kept = 1;
  `,
  () => `
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
  ALTER TABLE webhooks ADD COLUMN user_id integer;
  ALTER TABLE webhooks ADD COLUMN token_id integer;
  -- When the URL first answered 2xx. NULL: not yet.
  ALTER TABLE webhooks ADD COLUMN verified_at_ms bigint;

  -- A disabled user can neither log in nor use a token.
  ALTER TABLE users ADD COLUMN disabled_at_ms bigint;
  `,
  () => `
  -- A disabled organization: none of its users can log in, none of its tokens opens anything, and its webhooks stop.
  -- Not called disabled_at_ms: in statements of earlier versions, that name means the column of users alone.
  ALTER TABLE organizations ADD COLUMN suspended_at_ms bigint;
  `,
  () => `
  -- How a supplier's files are read: rules by name, as a JSON object of texts.
  ALTER TABLE feed_suppliers ADD COLUMN rules text NOT NULL DEFAULT '{}';
  `,
  () => `
  -- Titles by their first characters, without the case of A to Z (store/sql/title-prefix.ts).
  CREATE INDEX skus_by_title ON skus (supplier_id, lower(substr(title, 1, 32) COLLATE "C"))
    WHERE title IS NOT NULL;
  `,
  () => `
  -- Operators: the third type of organization.
  ALTER TABLE organizations DROP CONSTRAINT organizations_type_check;
  ALTER TABLE organizations ADD CONSTRAINT organizations_type_check
    CHECK (type IN ('supplier', 'retailer', 'operator'));

  -- 'api', 'login' or 'session'. NULL, as from earlier versions: 'login' for a user with a name, else 'api'.
  ALTER TABLE tokens ADD COLUMN kind text;
  -- Earlier versions that run beside this one create tokens without a uuid.
  ALTER TABLE tokens ADD COLUMN uuid uuid NOT NULL DEFAULT gen_random_uuid();
  ALTER TABLE tokens ADD COLUMN name text;
  ALTER TABLE tokens ADD COLUMN last_used_at_ms bigint;
  -- Where a session was begun.
  ALTER TABLE tokens ADD COLUMN user_agent text;
  ALTER TABLE tokens ADD COLUMN address text;
  CREATE UNIQUE INDEX tokens_by_uuid ON tokens (uuid);
  CREATE INDEX tokens_of_user ON tokens (user_id);
  `,
  () => `
  -- How many SKUs are retired: their restriction has the code 127, and their GTINs are not in gtins.
  ALTER TABLE suppliers ADD COLUMN retired_count bigint NOT NULL DEFAULT 0;

  -- What a batch did to products, so that it can be undone. Subject to retention.
  CREATE TABLE product_changes (
    supplier_id integer NOT NULL,
    batch_number bigint NOT NULL,
    applied_at_ms bigint NOT NULL,
    -- The SKUs whose product it wrote (domain/number-set.ts).
    written bytea NOT NULL,
    -- How to undo that (store/sql/product-changes.ts). NULL: it cannot be undone.
    undo bytea,
    PRIMARY KEY (supplier_id, batch_number)
  );
  CREATE INDEX product_changes_by_time ON product_changes (applied_at_ms);
  `,
  () => `
  -- The batches of each supplier, hour and source, added up when they are written.
  CREATE TABLE hour_counts (
    supplier_id integer NOT NULL,
    hour integer NOT NULL,
    source text COLLATE "C" NOT NULL,
    batches bigint NOT NULL,
    lines bigint NOT NULL,
    changed bigint NOT NULL,
    failed bigint NOT NULL,
    PRIMARY KEY (supplier_id, hour, source)
  ) WITH (fillfactor = 50);
  CREATE INDEX hour_counts_by_hour ON hour_counts (hour);
  `,
  () => `
  CREATE INDEX held_feeds ON feeds (supplier_id, number) WHERE state = 'held';
  `,
  () => `
  -- Searches find a sku_id in any case of A to Z.
  CREATE INDEX skus_by_lowered_sku_id ON skus (supplier_id, lower(sku_id));
  `,
  () => CREATE_AUDIT_TABLES,
  () => `
  -- What each attempt sent and received (JSON, without secrets), and the changes in its message. NULL: stored before.
  ALTER TABLE webhook_attempts ADD COLUMN supplier_id integer;
  ALTER TABLE webhook_attempts ADD COLUMN after_sequence bigint;
  ALTER TABLE webhook_attempts ADD COLUMN to_sequence bigint;
  ALTER TABLE webhook_attempts ADD COLUMN exchange text;
  `,
  () => `
  -- The W3C trace context in which each was sent (tracing/spans.ts). NULL: none.
  ALTER TABLE batches ADD COLUMN traceparent text;
  ALTER TABLE feeds ADD COLUMN traceparent text;
  `,
  () => [CREATE_NOTIFICATION_TABLES, CREATE_FAILED_FILES_INDEX],
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Migrates the schema to this version of onhand, one transaction per migration. If several nodes start at
 * the same time, one migrates and the others wait.
 *
 * @param options for a new database; an existing one keeps the options that it was created with
 * @param onMigrated called after each migration that this node ran
 */
export async function migrate(
  pool: ConnectionPool,
  options: SchemaOptions,
  onMigrated: OnMigrated = () => undefined,
): Promise<void> {
  if ((await schemaVersion(pool)) === SCHEMA_VERSION) return;
  while ((await schemaVersion(pool)) < SCHEMA_VERSION) {
    const startedMs = performance.now();
    const from = await inTransaction(pool, (client) => runNextMigration(client, options));
    if (from === undefined) continue;
    onMigrated({ from, to: from + 1, durationMs: performance.now() - startedMs });
  }
  // The tables that the migrations have created.
  if (await isDistributed(pool)) await distribute(pool);
}

/**
 * The number of migrations that have run.
 *
 * @throws OnhandError `store_unavailable` if a newer onhand has migrated the database
 */
export async function schemaVersion(pool: ConnectionPool): Promise<number> {
  const version = await readSchemaVersion(pool);
  refuseNewer(version, SCHEMA_VERSION);
  return version;
}

/** The number of migrations that have run; 0 if the database is not one of onhand's. */
export async function readSchemaVersion(pool: ConnectionPool): Promise<number> {
  const [table] = await read<{ exists: boolean }>(
    pool,
    `SELECT to_regclass('schema_version') IS NOT NULL AS "exists"`,
  );
  if (table?.exists !== true) return 0;
  const [row] = await read<{ version: number }>(pool, 'SELECT version FROM schema_version');
  return row?.version ?? 0;
}

/** Runs the next migration unless another node has run the last one; returns the version before. */
async function runNextMigration(
  client: PoolClient,
  options: SchemaOptions,
): Promise<number | undefined> {
  await lockSchema(client);
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_version (
      version integer NOT NULL,
      -- Hash partitions per growing table; later migrations need it.
      partitions integer NOT NULL)`,
  );
  const { rows } = await client.query<{ version: number; partitions: number }>(
    'SELECT version, partitions FROM schema_version',
  );
  const current = rows[0] ?? { version: 0, partitions: options.partitions };
  const next = MIGRATIONS[current.version];
  if (next === undefined) return undefined;
  for (const sql of [next(current)].flat()) await client.query(sql);
  await client.query(
    rows.length === 0
      ? 'INSERT INTO schema_version VALUES ($1, $2)'
      : 'UPDATE schema_version SET version = $1, partitions = $2',
    [current.version + 1, current.partitions],
  );
  return current.version;
}
