/**
 * Copies the stock of every SKU that a token can see into a PostgreSQL table, and keeps the copy up to date.
 *
 *     npm install onhand-client pg
 *     ONHAND_URL=https://stock.example.com ONHAND_TOKEN=… DATABASE_URL=postgres://… node mirror.ts
 *
 * Stop it whenever you like, and start it again to continue: the cursor is stored in the transaction that writes the
 * rows, so that after a crash no change is lost. Run one at a time.
 */
import { fileURLToPath } from 'node:url';
import { type ChangeRecord, CursorExpired, Onhand, type Sku } from 'onhand-client';
import { Client } from 'pg';

const TABLES = `
  CREATE TABLE IF NOT EXISTS stock (
    sku uuid PRIMARY KEY,
    supplier uuid NOT NULL,
    sku_id text NOT NULL,
    quantity_in_stock bigint,
    quantity_on_backorder bigint,
    backorder_date date,
    restrictions text
  );
  CREATE INDEX IF NOT EXISTS stock_by_supplier ON stock (supplier);
  CREATE TABLE IF NOT EXISTS stock_cursor (id boolean PRIMARY KEY DEFAULT true CHECK (id), cursor text NOT NULL)`;

const UPSERT = `
  INSERT INTO stock VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (sku) DO UPDATE SET sku_id = excluded.sku_id,
    quantity_in_stock = excluded.quantity_in_stock, quantity_on_backorder = excluded.quantity_on_backorder,
    backorder_date = excluded.backorder_date, restrictions = excluded.restrictions`;

type Inventory = Pick<
  Sku,
  'quantity_in_stock' | 'quantity_on_backorder' | 'backorder_date' | 'restrictions'
>;
type Identity = Pick<Sku, 'uuid' | 'sku_id'>;

/** Mirrors until the signal is aborted. */
export async function mirror(onhand: Onhand, db: Client, signal?: AbortSignal): Promise<void> {
  await db.query(TABLES);
  for (;;) {
    if ((await storedCursor(db)) === undefined) await copyAll(onhand, db);
    try {
      await follow(onhand, db, signal);
      return;
    } catch (error) {
      if (!(error instanceof CursorExpired)) throw error;
      // The mirror was off for longer than the server keeps changes.
      await db.query('DELETE FROM stock_cursor');
    }
  }
}

/** Replaces the copy, and stores the cursor of the changes after it. */
async function copyAll(onhand: Onhand, db: Client): Promise<void> {
  const { changesCursor, skus } = await onhand.skus.export();
  await db.query('BEGIN');
  await db.query('DELETE FROM stock');
  for await (const sku of skus) await write(db, sku.supplier.uuid, sku, sku);
  await storeCursor(db, changesCursor);
  await db.query('COMMIT');
}

async function follow(onhand: Onhand, db: Client, signal?: AbortSignal): Promise<void> {
  const store = {
    load: () => storedCursor(db),
    // Called after the handler succeeded: ends the transaction that the handler began.
    save: async (cursor: string) => {
      await storeCursor(db, cursor);
      await db.query('COMMIT');
    },
  };
  const handler = async (records: readonly ChangeRecord[]): Promise<void> => {
    await db.query('BEGIN');
    for (const record of records) await apply(onhand, db, record);
  };
  await onhand.changes.consume(handler, store, { ...(signal !== undefined && { signal }) });
}

/** Applying a record twice, or one that the copy has already, does no harm: later records correct it. */
async function apply(onhand: Onhand, db: Client, record: ChangeRecord): Promise<void> {
  const supplier = record.supplier.uuid;
  switch (record.kind) {
    case 'change':
      await write(db, supplier, record.sku, record.after);
      break;
    case 'supplier_entered':
      for await (const sku of onhand.skus.list({ supplier_uuids: [supplier] })) {
        await write(db, supplier, sku, sku);
      }
      break;
    case 'supplier_left':
      await db.query('DELETE FROM stock WHERE supplier = $1', [supplier]);
  }
}

async function write(
  db: Client,
  supplier: string,
  { uuid, sku_id }: Identity,
  inventory: Inventory,
): Promise<void> {
  const { quantity_in_stock, quantity_on_backorder, backorder_date, restrictions } = inventory;
  const quantities = [quantity_in_stock, quantity_on_backorder];
  await db.query(UPSERT, [uuid, supplier, sku_id, ...quantities, backorder_date, restrictions]);
}

async function storedCursor(db: Client): Promise<string | undefined> {
  const { rows } = await db.query<{ cursor: string }>('SELECT cursor FROM stock_cursor');
  return rows[0]?.cursor;
}

async function storeCursor(db: Client, cursor: string): Promise<void> {
  await db.query(
    'INSERT INTO stock_cursor (cursor) VALUES ($1) ON CONFLICT (id) DO UPDATE SET cursor = $1',
    [cursor],
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const {
    ONHAND_URL: url = 'http://127.0.0.1:8080',
    ONHAND_TOKEN: token,
    DATABASE_URL,
  } = process.env;
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const db = new Client({ connectionString: DATABASE_URL });
  await db.connect();
  await mirror(new Onhand({ url, ...(token !== undefined && { token }) }), db, stop.signal);
  await db.end();
}
