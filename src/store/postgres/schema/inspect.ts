import { OnhandError } from '../../../domain/errors.ts';
import { RETIRED_CODE } from '../../../domain/inventory.ts';
import type { Finding } from '../../driver.ts';
import { ConnectionPool, cannotOpen, read, type PoolSettings } from '../connection/pool.ts';
import { shownUrl } from '../connection/url.ts';
import { AUDIT_PROBLEMS } from './audit.ts';
import { SCHEMA_VERSION, readSchemaVersion } from './migrations.ts';

interface Check {
  readonly check: string;
  /** Selects one row per problem, with one column `problem`. */
  readonly problems: string;
}

const PROBLEMS_SHOWN_MAX = 5;

/** The invariants that can be checked on the tables alone. */
const CHECKS: readonly Check[] = [
  {
    check: 'indexes and constraints are valid',
    problems: `SELECT 'index ' || indexrelid::regclass || ' is not valid' AS problem
      FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE relnamespace = current_schema()::regnamespace AND NOT (indisvalid AND indisready)
      UNION ALL
      SELECT 'constraint ' || conname || ' of ' || conrelid::regclass || ' is not validated'
      FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND NOT convalidated`,
  },
  { check: 'the audit log is unchanged', problems: AUDIT_PROBLEMS },
  {
    check: "suppliers' SKUs are numbered without gaps",
    problems: `SELECT 'supplier ' || suppliers.id || ' counts ' || sku_count || ' SKUs, has '
        || count(sku_number) || ', the last with number ' || coalesce(max(sku_number), 0) AS problem
      FROM suppliers LEFT JOIN skus ON skus.supplier_id = suppliers.id
      GROUP BY suppliers.id
      HAVING count(sku_number) <> sku_count OR coalesce(max(sku_number), 0) <> sku_count`,
  },
  {
    check: 'every SKU has its inventory, and every inventory its SKU',
    problems: `SELECT 'SKU ' || sku_number || ' of supplier ' || supplier_id
        || CASE WHEN sku_id IS NULL THEN ' does not exist and has inventory' ELSE ' has no inventory' END AS problem
      FROM skus FULL JOIN inventory USING (supplier_id, sku_number)
      WHERE sku_id IS NULL OR last_sequence IS NULL`,
  },
  {
    check: "every SKU's GTINs can be found, and no others",
    // An ISBN-10 is the GTIN 978 + its first nine digits + another check digit, here any digit.
    problems: `WITH held AS (SELECT skus.* FROM skus JOIN inventory USING (supplier_id, sku_number)
          WHERE restrictions IS DISTINCT FROM ${RETIRED_CODE}),
      named (supplier_id, sku_number, low, high) AS (
        SELECT supplier_id, sku_number, code::bigint, code::bigint
        FROM held CROSS JOIN LATERAL (VALUES (upca), (ean13), (gtin14), (isbn)) AS written (code)
        WHERE code ~ '^([0-9]{8}|[0-9]{12,14})$'
        UNION ALL SELECT supplier_id, sku_number, ('978' || left(isbn, 9) || '0')::bigint,
          ('978' || left(isbn, 9) || '9')::bigint FROM held WHERE isbn ~ '^[0-9]{9}[0-9X]$')
      SELECT 'GTIN ' || low || ' of SKU ' || sku_number || ' of supplier ' || supplier_id || ' cannot be found' AS problem
      FROM named LEFT JOIN gtins USING (supplier_id, sku_number)
      GROUP BY supplier_id, sku_number, low, high
      HAVING count(gtin) FILTER (WHERE gtin BETWEEN low AND high) = 0
      UNION ALL
      SELECT 'GTIN ' || gtin || ' is no longer one of SKU ' || sku_number || ' of supplier ' || supplier_id
      FROM gtins LEFT JOIN named USING (supplier_id, sku_number)
      GROUP BY supplier_id, sku_number, gtin
      HAVING count(*) FILTER (WHERE gtin BETWEEN low AND high) = 0`,
  },
  {
    check: "suppliers' sequences have no gap",
    problems: `SELECT 'supplier ' || suppliers.id || ' counts from ' || dropped_sequence || ' to ' || last_sequence
        || ', has ' || count(sequence) || ' changes, the last with sequence ' || coalesce(max(sequence), 0) AS problem
      FROM suppliers LEFT JOIN changes ON changes.supplier_id = suppliers.id
      GROUP BY suppliers.id
      HAVING count(sequence) <> last_sequence - dropped_sequence
        OR coalesce(max(sequence), dropped_sequence) <> last_sequence`,
  },
  {
    check: "suppliers' batches have no gap, and count their changes",
    problems: `SELECT 'supplier ' || suppliers.id || ' counts to batch ' || last_batch_number || ', has '
        || count(batches.number) AS problem
      FROM suppliers LEFT JOIN batches ON batches.supplier_id = suppliers.id
      GROUP BY suppliers.id
      HAVING count(batches.number) <> last_batch_number OR coalesce(max(batches.number), 0) <> last_batch_number
      UNION ALL
      SELECT 'batch ' || number || ' of supplier ' || supplier_id || ' counts '
        || changed_count || ' changes, has ' || coalesce(written, 0)
      FROM batches JOIN suppliers ON suppliers.id = supplier_id LEFT JOIN (SELECT supplier_id, batch_number AS number, count(*) AS written
        FROM changes GROUP BY supplier_id, batch_number) AS counted USING (supplier_id, number)
      WHERE coalesce(written, 0) <>
        greatest(0, least(changed_count, coalesce(first_sequence, 0) + changed_count - 1 - dropped_sequence))
      UNION ALL
      SELECT 'batch ' || number || ' of supplier ' || batches.supplier_id || ' has not all changes from '
        || first_sequence || ' on'
      FROM batches JOIN suppliers ON suppliers.id = batches.supplier_id
        LEFT JOIN changes ON changes.supplier_id = batches.supplier_id
          AND sequence BETWEEN first_sequence AND first_sequence + changed_count - 1
          AND batch_number = number
      WHERE changed_count > 0 AND first_sequence > dropped_sequence
      GROUP BY batches.supplier_id, number, first_sequence, changed_count
      HAVING count(sequence) <> changed_count`,
  },
  {
    check: 'suppliers count their SKUs that can be sold',
    problems: `SELECT 'supplier ' || suppliers.id || ' counts ' || live_count || ' SKUs in stock and unrestricted, has '
        || count(sku_number) AS problem
      FROM suppliers LEFT JOIN inventory ON inventory.supplier_id = suppliers.id
        AND quantity_in_stock > 0 AND restrictions IS NULL
      GROUP BY suppliers.id HAVING count(sku_number) <> live_count`,
  },
  {
    check: 'suppliers count their retired SKUs',
    problems: `SELECT 'supplier ' || suppliers.id || ' counts ' || retired_count || ' retired SKUs, has '
        || count(sku_number) AS problem
      FROM suppliers LEFT JOIN inventory ON inventory.supplier_id = suppliers.id
        AND restrictions = ${RETIRED_CODE}
      GROUP BY suppliers.id HAVING count(sku_number) <> retired_count`,
  },
  {
    check: "each change starts from its SKU's previous one",
    problems: `WITH history AS (
        SELECT supplier_id, sku_number, sequence, previous_sequence, false AS is_baseline,
          before_quantity_in_stock, before_quantity_on_backorder, before_backorder_date, before_restrictions,
          after_quantity_in_stock, after_quantity_on_backorder, after_backorder_date, after_restrictions
        FROM changes
        UNION ALL SELECT supplier_id, sku_number, sequence, 0, true, NULL, NULL, NULL, NULL,
          quantity_in_stock, quantity_on_backorder, backorder_date, restrictions
        FROM baselines),
      chained AS (
        -- The baseline is the state that the deleted changes left.
        SELECT *, lag(sequence, 1, 0::bigint) OVER sku AS link,
          lag(after_quantity_in_stock) OVER sku AS prior_in_stock,
          lag(after_quantity_on_backorder) OVER sku AS prior_on_backorder,
          lag(after_backorder_date) OVER sku AS prior_backorder_date,
          lag(after_restrictions) OVER sku AS prior_restrictions
        FROM history WINDOW sku AS (PARTITION BY supplier_id, sku_number ORDER BY sequence))
      SELECT 'change ' || sequence || ' of supplier ' || supplier_id || ' does not start from change ' || link AS problem
      FROM chained
      WHERE NOT is_baseline AND (previous_sequence <> link
        OR before_quantity_in_stock IS DISTINCT FROM prior_in_stock
        OR before_quantity_on_backorder IS DISTINCT FROM prior_on_backorder
        OR before_backorder_date IS DISTINCT FROM prior_backorder_date
        OR before_restrictions IS DISTINCT FROM prior_restrictions
        OR (before_quantity_in_stock IS NOT DISTINCT FROM after_quantity_in_stock
          AND before_quantity_on_backorder IS NOT DISTINCT FROM after_quantity_on_backorder
          AND before_backorder_date IS NOT DISTINCT FROM after_backorder_date
          AND before_restrictions IS NOT DISTINCT FROM after_restrictions))`,
  },
  {
    check: 'replaying the changes gives the inventory',
    problems: `WITH latest AS (
        SELECT supplier_id, sku_number, max(sequence) AS sequence FROM changes GROUP BY supplier_id, sku_number)
      SELECT 'SKU ' || inventory.sku_number || ' of supplier ' || inventory.supplier_id
        || ' does not hold what change ' || coalesce(latest.sequence, 0) || ' left' AS problem
      FROM inventory
        LEFT JOIN latest USING (supplier_id, sku_number)
        LEFT JOIN changes USING (supplier_id, sku_number, sequence)
        LEFT JOIN baselines ON baselines.supplier_id = inventory.supplier_id
          AND baselines.sku_number = inventory.sku_number AND latest.sequence IS NULL
      WHERE last_sequence <> coalesce(latest.sequence, baselines.sequence, 0)
        OR inventory.quantity_in_stock IS DISTINCT FROM
          coalesce(after_quantity_in_stock, baselines.quantity_in_stock)
        OR inventory.quantity_on_backorder IS DISTINCT FROM
          coalesce(after_quantity_on_backorder, baselines.quantity_on_backorder)
        OR inventory.backorder_date IS DISTINCT FROM
          coalesce(after_backorder_date, baselines.backorder_date)
        OR inventory.restrictions IS DISTINCT FROM coalesce(after_restrictions, baselines.restrictions)`,
  },
];

/**
 * Checks a database against the invariants, and yields each finding as its check ends. Only reads: servers
 * can run meanwhile, and a database that is not one of onhand's stays unchanged.
 */
export async function* inspect(
  settings: Pick<PoolSettings, 'url' | 'connectTimeoutMs'>,
): AsyncIterable<Finding> {
  shownUrl(settings.url);
  const pool = new ConnectionPool({ ...settings, connectionsMax: 1 });
  try {
    const schema = await checkSchema(pool, settings.url);
    yield schema;
    // The other checks need the current schema.
    if (!schema.ok) return;
    for (const check of CHECKS) yield await runCheck(pool, check);
  } finally {
    await pool.close();
  }
}

async function checkSchema(pool: ConnectionPool, url: string): Promise<Finding> {
  try {
    const version = await readSchemaVersion(pool);
    const ok = version === SCHEMA_VERSION;
    return {
      check: 'schema is migrated',
      ok,
      detail: ok ? '' : `schema version is ${version}, not ${SCHEMA_VERSION}`,
    };
  } catch (error) {
    throw cannotOpen(url, error);
  }
}

async function runCheck(pool: ConnectionPool, { check, problems }: Check): Promise<Finding> {
  try {
    const rows = await read<{ problem: string }>(
      pool,
      `SELECT problem FROM (${problems}) AS found LIMIT ${PROBLEMS_SHOWN_MAX + 1}`,
    );
    const shown = rows.slice(0, PROBLEMS_SHOWN_MAX).map(({ problem }) => problem);
    const more = rows.length > shown.length ? '; and more' : '';
    return { check, ok: rows.length === 0, detail: shown.join('; ') + more };
  } catch (error) {
    if (!(error instanceof OnhandError)) throw error;
    return { check, ok: false, detail: error.message };
  }
}
