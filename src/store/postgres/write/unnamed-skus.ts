import type { PoolClient } from 'pg';
import { int8Array } from '../connection/arrays.ts';
import { HELD_COLUMNS_AS_OF, type HeldRow } from './stock.ts';

/** How many SKUs a snapshot takes to zero at a stretch: what is held of them is then let go. */
const ZEROED_AT_ONCE = 5000;

/** What a snapshot names, be it in lines that failed. */
export interface NamedBySnapshot {
  readonly skuNumbers: readonly number[];
  /** Every SKU that holds one of them is named. */
  readonly gtins: readonly number[];
}

const OF_UNNAMED = `FROM inventory AS held
  WHERE held.supplier_id = $1 AND quantity_in_stock IS DISTINCT FROM 0
    AND NOT EXISTS (SELECT FROM unnest($2::bigint[]) AS named (sku_number)
      WHERE named.sku_number = held.sku_number)
    AND NOT EXISTS (SELECT FROM gtins
      WHERE gtins.supplier_id = $1 AND gtins.gtin = ANY($3::bigint[])
        AND gtins.sku_number = held.sku_number)`;

/**
 * The SKUs that a snapshot does not name and that are not at zero, as they are in the database. They may
 * be a whole catalogue, and are never held all at once.
 */
export class UnnamedSkus {
  readonly #client: PoolClient;
  readonly #values: readonly unknown[];

  constructor(client: PoolClient, supplierId: number, named: NamedBySnapshot) {
    this.#client = client;
    this.#values = [supplierId, int8Array(named.skuNumbers), int8Array(named.gtins)];
  }

  /** How many of them could be sold. */
  async countLive(): Promise<number> {
    const { rows } = await this.#client.query<{ count: number }>(
      `SELECT count(*) FILTER (WHERE quantity_in_stock IS NOT NULL AND restrictions IS NULL) AS count
       ${OF_UNNAMED}`,
      [...this.#values],
    );
    return rows[0]?.count ?? 0;
  }

  /** In the order of their creation, as they were at first: what is written meanwhile is not seen. */
  async *pages(): AsyncGenerator<readonly HeldRow[], void, undefined> {
    await this.#client.query(
      `DECLARE unnamed_skus NO SCROLL CURSOR FOR
       SELECT ${HELD_COLUMNS_AS_OF} ${OF_UNNAMED} ORDER BY held.sku_number`,
      [...this.#values],
    );
    for (;;) {
      const { rows } = await this.#client.query<HeldRow>({
        text: `FETCH FORWARD ${ZEROED_AT_ONCE} FROM unnamed_skus`,
        rowMode: 'array',
      });
      if (rows.length > 0) yield rows;
      if (rows.length < ZEROED_AT_ONCE) return;
    }
  }
}
