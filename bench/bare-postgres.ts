import { randomInt } from 'node:crypto';
import { Client, Pool, type ClientBase } from 'pg';
import { skuIdOf } from './catalogue.ts';

const QUANTITY_BOUND = 1_000_000;

/** Lines of one supplier that share a transaction. */
interface Group {
  readonly supplierId: number;
  readonly skuIds: readonly string[];
  readonly quantities: readonly number[];
}

const LOCK = 'SELECT last_sequence FROM suppliers WHERE id = $1 FOR NO KEY UPDATE';

const LOOK_UP = `
  SELECT named.ordinal, held.sku_number, held.quantity_in_stock, held.last_sequence
  FROM unnest($2::text[]) WITH ORDINALITY AS named (sku_id, ordinal)
    JOIN skus ON skus.supplier_id = $1 AND skus.sku_id = named.sku_id
    JOIN inventory AS held ON held.supplier_id = $1 AND held.sku_number = skus.sku_number`;

/** Appends the changes, and updates the inventory and the supplier's sequence. */
const WRITE = `
  WITH written AS MATERIALIZED (
      SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::integer[], $6::integer[])
        AS written (sku_number, sequence, previous_sequence, before, after)),
    appended AS (
      INSERT INTO changes (supplier_id, sequence, sku_number, previous_sequence, batch_number,
        before_quantity_in_stock, after_quantity_in_stock)
      SELECT $1, sequence, sku_number, previous_sequence, 1, before, after FROM written),
    updated AS (
      UPDATE inventory SET quantity_in_stock = written.after, last_sequence = written.sequence,
        updated_at_ms = $7
      FROM written WHERE supplier_id = $1 AND inventory.sku_number = written.sku_number)
  UPDATE suppliers SET last_sequence = $8 WHERE id = $1`;

/**
 * The limit on PostgreSQL: a bare client that does the work of a request in one transaction, as the server
 * does: it locks the supplier, looks up the SKUs with one array parameter, and writes with arrays in one
 * statement. No HTTP, no JSON, no batch row, no identifiers but sku_id.
 */
export class BarePostgres {
  readonly #pool: Pool;
  readonly #supplierIds: readonly number[];
  readonly #skuCount: number;

  constructor(
    url: string,
    connections: number,
    {
      supplierIds,
      skuCount,
    }: { readonly supplierIds: readonly number[]; readonly skuCount: number },
  ) {
    this.#pool = new Pool({ connectionString: url, max: connections });
    this.#supplierIds = supplierIds;
    this.#skuCount = skuCount;
  }

  /** Lines per second over several connections that each write one group after another. */
  async run(connections: number, groupLines: number, totalLines: number): Promise<number> {
    const groupsOfEach = Math.max(1, Math.round(totalLines / groupLines / connections));
    const work = Array.from({ length: connections }, (_, i) =>
      Array.from({ length: groupsOfEach }, () => this.#groupOf(i, groupLines)),
    );
    const startedMs = performance.now();
    await Promise.all(
      work.map(async (groups) => {
        for (const group of groups) {
          const client = await this.#pool.connect();
          try {
            await write(client, group);
          } finally {
            client.release();
          }
        }
      }),
    );
    const lines = connections * groupsOfEach * groupLines;
    return (lines * 1000) / (performance.now() - startedMs);
  }

  #groupOf(connection: number, lines: number): Group {
    const numbers = new Set<number>();
    while (numbers.size < lines) numbers.add(randomInt(this.#skuCount));
    return {
      supplierId: this.#supplierIds[connection % this.#supplierIds.length] ?? 0,
      skuIds: [...numbers].map(skuIdOf),
      quantities: Array.from({ length: lines }, () => randomInt(QUANTITY_BOUND)),
    };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

interface FoundRow {
  readonly ordinal: string;
  readonly sku_number: string;
  readonly quantity_in_stock: number | null;
  readonly last_sequence: string;
}

async function write(client: ClientBase, group: Group): Promise<void> {
  const { supplierId, skuIds, quantities } = group;
  await client.query('BEGIN');
  const [head] = (await client.query<{ last_sequence: string }>(LOCK, [supplierId])).rows;
  const { rows } = await client.query<FoundRow>(LOOK_UP, [supplierId, skuIds]);
  if (rows.length !== skuIds.length) throw new Error('a SKU is missing');
  rows.sort((a, b) => Number(a.sku_number) - Number(b.sku_number));
  const last = Number(head?.last_sequence);
  await client.query(WRITE, [
    supplierId,
    rows.map((row) => row.sku_number),
    rows.map((_, i) => last + 1 + i),
    rows.map((row) => row.last_sequence),
    rows.map((row) => row.quantity_in_stock),
    rows.map((row) => quantities[Number(row.ordinal) - 1]),
    Date.now(),
    last + rows.length,
  ]);
  await client.query('COMMIT');
}

/** Runs statements one after another on a connection of their own. */
export async function runOnPostgres(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
