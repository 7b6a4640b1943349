import { CANDIDATES_NAMED_MAX } from '../../../domain/limits.ts';
import { GTIN_FORMS } from '../../../domain/gtin.ts';
import { gtinsOfLine, skuIdCanExist, type Lines } from '../../../domain/lines.ts';
import { int8Array, textArray } from '../connection/arrays.ts';
import type { Statement } from '../connection/pool.ts';

const NONE: readonly number[] = [];

/** A line's identifiers where they are more than one. */
interface Combination {
  readonly skuId: string | null;
  readonly gtins: readonly number[];
}

/** Texts and numbers that are looked up, each once, with the SKUs that they were found to mean. */
class LookUps<K> {
  readonly #places = new Map<K, number>();
  readonly #found: number[][] = [];

  get keys(): readonly K[] {
    return [...this.#places.keys()];
  }

  get size(): number {
    return this.#places.size;
  }

  add(key: K): boolean {
    if (this.#places.has(key)) return false;
    this.#places.set(key, this.#found.length);
    this.#found.push([]);
    return true;
  }

  /** @param place of the key, from 1 */
  setFound(place: number, skuNumber: number): void {
    this.#found[place - 1]?.push(skuNumber);
  }

  /** What was found may come in any order; SKUs are told in that of their creation. */
  sort(): void {
    for (const numbers of this.#found) if (numbers.length > 1) numbers.sort((a, b) => a - b);
  }

  find(key: K): readonly number[] {
    const place = this.#places.get(key);
    return place === undefined ? NONE : (this.#found[place] ?? NONE);
  }
}

/** A look-up: its statement selects the columns of a SKU, and last the place of the key that means it, from 1. */
export interface LookUpStatement extends Statement {
  readonly setFound: (place: number, skuNumber: number) => void;
}

/**
 * The identifiers that the lines of a transaction name. They are gathered, looked up all at once, and then
 * tell which SKUs a line means.
 */
export class NamedSkus {
  readonly #skuIds = new LookUps<string>();
  readonly #gtins = new LookUps<number>();
  readonly #combinations = new LookUps<string>();
  readonly #combined: Combination[] = [];

  /** @param withParts whether the `sku_id` of every line is looked up by itself, too */
  gather(lines: Lines, withParts: boolean): void {
    for (let i = 0; i < lines.count; i += 1) {
      const skuId = lines.skuIds[i] ?? null;
      const gtins = gtinsOfLine(lines, i);
      if (skuId !== null && !skuIdCanExist(skuId)) continue;
      if (skuId !== null && (withParts || gtins.length === 0)) this.#skuIds.add(skuId);
      if (lines.refusals.size > 0 && lines.refusals.has(i)) continue;
      const [gtin] = gtins;
      if (gtin === undefined || gtins.length > GTIN_FORMS.length) continue;
      if (skuId === null && gtins.length === 1) this.#gtins.add(gtin);
      else if (this.#combinations.add(combinationKey(skuId, gtins))) {
        this.#combined.push({ skuId, gtins: [...gtins] });
      }
    }
  }

  /**
   * @param columns of `skus` and `inventory AS held`, selected before the place of the identifier
   */
  statements(supplierId: number, columns: string): readonly LookUpStatement[] {
    const statements: LookUpStatement[] = [];
    const add = (
      lookUps: LookUps<string> | LookUps<number>,
      text: string,
      ...arrays: readonly Buffer[]
    ): void => {
      const setFound = lookUps.setFound.bind(lookUps);
      statements.push({ text, values: [supplierId, ...arrays], setFound });
    };
    if (this.#skuIds.size > 0) {
      add(this.#skuIds, bySkuId(columns), textArray(this.#skuIds.keys));
    }
    if (this.#gtins.size > 0) add(this.#gtins, byGtin(columns), int8Array(this.#gtins.keys));
    if (this.#combined.length > 0) {
      const gtins = GTIN_FORMS.map((_, n) =>
        int8Array(this.#combined.map((combination) => combination.gtins[n] ?? null)),
      );
      const skuIds = textArray(this.#combined.map(({ skuId }) => skuId));
      add(this.#combinations, byCombination(columns), skuIds, ...gtins);
    }
    return statements;
  }

  /** To be called once all was found. */
  sort(): void {
    this.#gtins.sort();
    this.#combinations.sort();
  }

  /**
   * The numbers of the SKUs that line `i` matches: its `sku_id` where given, and every GTIN it names.
   * At most as many as a verdict names.
   */
  resolve(lines: Lines, i: number): readonly number[] {
    const skuId = lines.skuIds[i] ?? null;
    const gtins = gtinsOfLine(lines, i);
    const [gtin] = gtins;
    if (gtin === undefined) return skuId === null ? NONE : this.#skuIds.find(skuId);
    return skuId === null && gtins.length === 1
      ? this.#gtins.find(gtin)
      : this.#combinations.find(combinationKey(skuId, gtins));
  }

  /** The number of the SKU with the `sku_id` that line `i` names; undefined where there is none. */
  bySkuId(lines: Lines, i: number): number | undefined {
    const skuId = lines.skuIds[i] ?? null;
    return skuId === null ? undefined : this.#skuIds.find(skuId)[0];
  }
}

/** No two combinations have the same: digits and commas end at the colon. */
function combinationKey(skuId: string | null, gtins: Float64Array): string {
  return `${gtins.join(',')}${skuId === null ? '' : `:${skuId}`}`;
}

const HELD_OF_SKU =
  'JOIN inventory AS held ON held.supplier_id = $1 AND held.sku_number = skus.sku_number';

function bySkuId(columns: string): string {
  return `SELECT ${columns}, named.place
    FROM unnest($2::text[]) WITH ORDINALITY AS named (sku_id, place)
      JOIN skus ON skus.supplier_id = $1 AND skus.sku_id = named.sku_id ${HELD_OF_SKU}`;
}

/** The limit matters: a placeholder GTIN may stand on every SKU of a catalogue. */
function byGtin(columns: string): string {
  return `SELECT ${columns}, named.place
    FROM unnest($2::bigint[]) WITH ORDINALITY AS named (gtin, place)
      CROSS JOIN LATERAL (SELECT sku_number FROM gtins
        WHERE supplier_id = $1 AND gtins.gtin = named.gtin
        ORDER BY sku_number LIMIT ${CANDIDATES_NAMED_MAX}) AS skus ${HELD_OF_SKU}`;
}

const GTIN_COLUMNS = GTIN_FORMS.map((_, n) => `gtin_${n}`);

/** Of so many SKUs that hold a GTIN it does not matter how many there are. */
const HOLDERS_COUNTED_MAX = 1000;

/**
 * Of SKUs that hold several GTINs, those are walked that hold the rarest of them: another may stand on
 * every SKU of a catalogue.
 */
function byCombination(columns: string): string {
  const holdsAll = GTIN_COLUMNS.map(
    (gtin) => `(named.${gtin} IS NULL OR EXISTS (SELECT FROM gtins AS other
      WHERE other.supplier_id = $1 AND other.gtin = named.${gtin} AND other.sku_number = one.sku_number))`,
  ).join(' AND ');
  const rarest = `SELECT given.gtin FROM unnest(ARRAY[${GTIN_COLUMNS.map((gtin) => `named.${gtin}`).join(', ')}]) AS given (gtin)
    WHERE given.gtin IS NOT NULL
    ORDER BY (SELECT count(*) FROM (SELECT FROM gtins AS counted
      WHERE counted.supplier_id = $1 AND counted.gtin = given.gtin LIMIT ${HOLDERS_COUNTED_MAX}) AS holders)
    LIMIT 1`;
  return `WITH named AS MATERIALIZED (
      SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
        WITH ORDINALITY AS named (sku_id, ${GTIN_COLUMNS.join(', ')}, place)),
    skus AS (
      SELECT named.place, one.sku_number FROM named
        JOIN skus AS one ON one.supplier_id = $1 AND one.sku_id = named.sku_id
      WHERE ${holdsAll}
      UNION ALL
      SELECT named.place, found.sku_number FROM named
        CROSS JOIN LATERAL (${rarest}) AS rarest
        CROSS JOIN LATERAL (SELECT one.sku_number FROM gtins AS one
          WHERE one.supplier_id = $1 AND one.gtin = rarest.gtin AND ${holdsAll}
          ORDER BY one.sku_number LIMIT ${CANDIDATES_NAMED_MAX}) AS found
      WHERE named.sku_id IS NULL)
    SELECT ${columns}, skus.place FROM skus ${HELD_OF_SKU}`;
}
