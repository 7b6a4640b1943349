import { setImmediate } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import { RETIRED_CODE } from '../../../domain/inventory.ts';
import type { Finding } from '../../driver.ts';
import { openForReading, unavailable, type ConnectionSettings } from '../connection.ts';
import { InventoryView } from '../recent/inventory-view.ts';
import { hideStagedChanges } from '../write/staged-changes.ts';
import { SCHEMA_VERSION } from './migrations.ts';

interface Check {
  readonly check: string;
  /** Selects one row per problem, with one column `problem`. */
  readonly problems: string;
}

const PROBLEMS_SHOWN_MAX = 5;

/** The invariants that the tables can prove; each query selects the violations. */
const CHECKS: readonly Check[] = [
  {
    check: 'schema is migrated',
    problems: `SELECT 'schema version is ' || user_version || ', not ${SCHEMA_VERSION}' AS problem
      FROM pragma_user_version WHERE user_version <> ${SCHEMA_VERSION}`,
  },
  {
    check: 'pages and indexes are intact',
    problems: `SELECT integrity_check AS problem FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
  },
  {
    check: 'every row refers to rows that exist',
    problems: `SELECT 'a row of ' || "table" || ' refers to a missing row of ' || parent AS problem
      FROM pragma_foreign_key_check`,
  },
  {
    check: "suppliers' SKUs are numbered without gaps",
    problems: `SELECT 'supplier ' || suppliers.id || ' counts ' || sku_count || ' SKUs, has '
        || count(skus.key) || ', the last with number ' || coalesce(max(skus.key) & 0xffffffff, 0) AS problem
      FROM suppliers LEFT JOIN skus
        ON skus.key BETWEEN (suppliers.id << 32) AND (suppliers.id << 32) + 0xffffffff
      GROUP BY suppliers.id
      HAVING count(skus.key) <> sku_count OR coalesce(max(skus.key) & 0xffffffff, 0) <> sku_count`,
  },
  {
    check: 'every SKU has its inventory',
    problems: `SELECT 'SKU ' || skus.key || ' has no inventory' AS problem
      FROM skus LEFT JOIN inventory USING (key) WHERE inventory.key IS NULL`,
  },
  {
    check: "every SKU's GTINs can be found, and no others",
    // An ISBN-10 means a GTIN that begins with 978; its check digit differs.
    problems: `WITH held AS (SELECT skus.* FROM skus JOIN inventory USING (key) WHERE restrictions IS NOT ${RETIRED_CODE}),
      named (key, low, high) AS (
        SELECT key, cast(upca AS INTEGER), cast(upca AS INTEGER) FROM held WHERE upca IS NOT NULL
        UNION ALL SELECT key, cast(ean13 AS INTEGER), cast(ean13 AS INTEGER) FROM held WHERE ean13 IS NOT NULL
        UNION ALL SELECT key, cast(gtin14 AS INTEGER), cast(gtin14 AS INTEGER) FROM held WHERE gtin14 IS NOT NULL
        UNION ALL SELECT key, cast(isbn AS INTEGER), cast(isbn AS INTEGER) FROM held WHERE length(isbn) = 13
        UNION ALL SELECT key, cast('978' || substr(isbn, 1, 9) || '0' AS INTEGER),
          cast('978' || substr(isbn, 1, 9) || '9' AS INTEGER) FROM held WHERE length(isbn) = 10)
      SELECT 'GTIN ' || low || ' of SKU ' || (key & 0xffffffff) || ' of supplier ' || (key >> 32) || ' cannot be found' AS problem
      FROM named WHERE NOT EXISTS (SELECT 1 FROM gtins WHERE supplier_id = key >> 32
        AND gtin BETWEEN low AND high AND sku_number = key & 0xffffffff)
      UNION ALL
      SELECT 'GTIN ' || gtin || ' is no longer one of SKU ' || sku_number || ' of supplier ' || gtins.supplier_id
      FROM gtins LEFT JOIN held ON key = (gtins.supplier_id << 32) + sku_number
      WHERE NOT coalesce(gtin IN (cast(upca AS INTEGER), cast(ean13 AS INTEGER), cast(gtin14 AS INTEGER), cast(isbn AS INTEGER))
        OR cast('978' || substr(isbn, 1, 9) AS INTEGER) = gtin / 10, 0)`,
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
    check: 'changes that an interrupted batch left are those that the next one removes',
    problems: `SELECT 'supplier ' || suppliers.id || ' has changes up to ' || max(sequence) || ', beyond '
        || max(last_sequence, staged_sequence) AS problem
      FROM suppliers JOIN main.changes ON changes.supplier_id = suppliers.id
      GROUP BY suppliers.id HAVING max(sequence) > max(last_sequence, staged_sequence)`,
  },
  {
    check: "suppliers' batches have no gap, and count their changes",
    problems: `SELECT 'supplier ' || suppliers.id || ' counts to batch ' || last_batch_number || ', has '
        || count(batches.number) AS problem
      FROM suppliers LEFT JOIN batches ON batches.supplier_id = suppliers.id
      GROUP BY suppliers.id
      HAVING count(batches.number) <> last_batch_number OR coalesce(max(batches.number), 0) <> last_batch_number
      UNION ALL
      SELECT 'batch ' || batches.number || ' of supplier ' || batches.supplier_id || ' counts '
        || changed_count || ' changes, has ' || coalesce(written, 0)
      FROM batches JOIN suppliers ON suppliers.id = supplier_id
        LEFT JOIN (SELECT supplier_id, batch_number AS number, count(*) AS written
          FROM changes GROUP BY supplier_id, batch_number) USING (supplier_id, number)
      WHERE coalesce(written, 0) <>
        max(0, min(changed_count, coalesce(first_sequence, 0) + changed_count - 1 - dropped_sequence))
      UNION ALL
      SELECT 'batch ' || number || ' of supplier ' || batches.supplier_id || ' has not all changes from '
        || first_sequence || ' on'
      FROM batches JOIN suppliers ON suppliers.id = batches.supplier_id
        LEFT JOIN changes ON changes.supplier_id = batches.supplier_id
          AND sequence BETWEEN first_sequence AND first_sequence + changed_count - 1
          AND batch_number = number
      WHERE changed_count > 0 AND first_sequence > dropped_sequence
      GROUP BY batches.supplier_id, number HAVING count(sequence) <> changed_count`,
  },
  {
    check: 'suppliers count their SKUs that can be sold',
    problems: `SELECT 'supplier ' || suppliers.id || ' counts ' || live_count || ' SKUs in stock and unrestricted, has '
        || count(inventory.key) AS problem
      FROM suppliers LEFT JOIN inventory
        ON inventory.key BETWEEN (suppliers.id << 32) AND (suppliers.id << 32) + 0xffffffff
        AND quantity_in_stock > 0 AND restrictions IS NULL
      GROUP BY suppliers.id HAVING count(inventory.key) <> live_count`,
  },
  {
    check: 'suppliers count their retired SKUs',
    problems: `SELECT 'supplier ' || suppliers.id || ' counts ' || retired_count || ' retired SKUs, has '
        || count(inventory.key) AS problem
      FROM suppliers LEFT JOIN inventory
        ON inventory.key BETWEEN (suppliers.id << 32) AND (suppliers.id << 32) + 0xffffffff
        AND restrictions = ${RETIRED_CODE}
      GROUP BY suppliers.id HAVING count(inventory.key) <> retired_count`,
  },
  {
    check: "each change starts from its SKU's previous one",
    problems: `WITH told AS (
        SELECT supplier_id, sku_number, sequence, previous_sequence, 0 AS is_baseline,
          before_quantity_in_stock, before_quantity_on_backorder, before_backorder_date, before_restrictions,
          after_quantity_in_stock, after_quantity_on_backorder, after_backorder_date, after_restrictions
        FROM changes
        UNION ALL SELECT supplier_id, sku_number, sequence, 0, 1, NULL, NULL, NULL, NULL,
          quantity_in_stock, quantity_on_backorder, backorder_date, restrictions
        FROM baselines),
      chained AS (
        -- What was dropped goes before: it left the baseline.
        SELECT *, lag(sequence, 1, 0) OVER sku AS link,
          lag(after_quantity_in_stock) OVER sku AS held_in_stock,
          lag(after_quantity_on_backorder) OVER sku AS held_on_backorder,
          lag(after_backorder_date) OVER sku AS held_backorder_date,
          lag(after_restrictions) OVER sku AS held_restrictions
        FROM told WINDOW sku AS (PARTITION BY supplier_id, sku_number ORDER BY sequence))
      SELECT 'change ' || sequence || ' of supplier ' || supplier_id || ' does not start from change ' || link AS problem
      FROM chained
      WHERE NOT is_baseline AND (previous_sequence <> link
        OR before_quantity_in_stock IS NOT held_in_stock
        OR before_quantity_on_backorder IS NOT held_on_backorder
        OR before_backorder_date IS NOT held_backorder_date
        OR before_restrictions IS NOT held_restrictions
        OR (before_quantity_in_stock IS after_quantity_in_stock
          AND before_quantity_on_backorder IS after_quantity_on_backorder
          AND before_backorder_date IS after_backorder_date
          AND before_restrictions IS after_restrictions))`,
  },
  {
    check: 'the inventory table has all changes up to the sequence that its supplier says',
    problems: `SELECT 'supplier ' || id || ' is complete to ' || complete_sequence || ', has changes from '
        || dropped_sequence || ' to ' || last_sequence AS problem
      FROM suppliers WHERE complete_sequence NOT BETWEEN dropped_sequence AND last_sequence
      UNION ALL
      SELECT 'SKU ' || sku_number || ' of supplier ' || supplier_id || ' has no row with change ' || max(sequence)
      FROM changes JOIN suppliers ON suppliers.id = supplier_id
        JOIN main.inventory ON key = (supplier_id << 32) + sku_number
      WHERE sequence <= complete_sequence
      GROUP BY supplier_id, sku_number HAVING main.inventory.last_sequence < max(sequence)`,
  },
  {
    check: 'replaying the changes gives the inventory',
    problems: `WITH latest AS (
        SELECT supplier_id, sku_number, max(sequence) AS sequence FROM changes GROUP BY supplier_id, sku_number)
      SELECT 'SKU ' || (inventory.key & 0xffffffff) || ' of supplier ' || (inventory.key >> 32)
        || ' does not hold what change ' || coalesce(changes.sequence, 0) || ' left' AS problem
      FROM inventory
        LEFT JOIN latest ON latest.supplier_id = inventory.key >> 32
          AND latest.sku_number = inventory.key & 0xffffffff
        LEFT JOIN changes ON changes.supplier_id = latest.supplier_id AND changes.sequence = latest.sequence
        LEFT JOIN baselines ON baselines.supplier_id = inventory.key >> 32
          AND baselines.sku_number = inventory.key & 0xffffffff
      WHERE last_sequence <> coalesce(changes.sequence, baselines.sequence, 0)
        OR inventory.quantity_in_stock IS NOT
          iif(changes.sequence IS NULL, baselines.quantity_in_stock, after_quantity_in_stock)
        OR inventory.quantity_on_backorder IS NOT
          iif(changes.sequence IS NULL, baselines.quantity_on_backorder, after_quantity_on_backorder)
        OR inventory.backorder_date IS NOT
          iif(changes.sequence IS NULL, baselines.backorder_date, after_backorder_date)
        OR inventory.restrictions IS NOT
          iif(changes.sequence IS NULL, baselines.restrictions, after_restrictions)`,
  },
];

/**
 * Checks a database file against the invariants; yields each finding as its check ends. It only reads: a
 * server may run meanwhile, and a file that is not an onhand database is not changed.
 */
export async function* inspect(settings: ConnectionSettings): AsyncIterable<Finding> {
  const db = openForReading(settings);
  try {
    let view: InventoryView | undefined;
    for (const { check, problems } of CHECKS) {
      const finding = inspectOne(check, () => {
        if (check !== CHECKS[0]?.check) view ??= viewOf(db);
        return view === undefined ? rowsOf(db, problems) : view.read(() => rowsOf(db, problems));
      });
      yield finding;
      // Without the schema, the other checks cannot run.
      if (check === CHECKS[0]?.check && !finding.ok) return;
      await setImmediate();
    }
  } finally {
    db.close();
  }
}

function viewOf(db: Database): InventoryView {
  hideStagedChanges(db);
  return new InventoryView(db);
}

function inspectOne(check: string, find: () => readonly string[]): Finding {
  try {
    const problems = find();
    const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
    const more = problems.length > shown.length ? '; and more' : '';
    return { check, ok: problems.length === 0, detail: shown.join('; ') + more };
  } catch (error) {
    const known = unavailable(error);
    if (known === undefined) throw error;
    return { check, ok: false, detail: error instanceof Error ? error.message : known.message };
  }
}

function rowsOf(db: Database, problems: string): readonly string[] {
  return db
    .prepare<[], [string]>(`SELECT problem FROM (${problems}) LIMIT ${PROBLEMS_SHOWN_MAX + 1}`)
    .raw()
    .all()
    .map(([problem]) => problem);
}
