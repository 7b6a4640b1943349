import {
  CANDIDATES_NAMED_MAX,
  gtinsOfLine,
  skuIdCanExist,
  skuIdOfLine,
  type Lines,
} from '../../../domain/lines.ts';
import { isPause, type Steps } from '../../../domain/steps.ts';
import { GTIN_FORMS } from '../../../domain/gtin.ts';
import { int8Array, textArray } from '../connection/arrays.ts';
import type { Statement } from '../connection/pool.ts';
import { joinNumbered, joinSku } from '../lookups.ts';

const NO_MATCHES: readonly number[] = [];

/** The identifiers of a line that has several. */
interface Combination {
  readonly skuId: string | null;
  readonly gtins: readonly number[];
}

/** Distinct keys to look up, each with the numbers of the SKUs that match it. */
class KeySet<K> {
  readonly #indexes = new Map<K, number>();
  readonly #matches: number[][] = [];

  get keys(): readonly K[] {
    return [...this.#indexes.keys()];
  }

  get size(): number {
    return this.#indexes.size;
  }

  /** Returns false if the key was there already. */
  add(key: K): boolean {
    if (this.#indexes.has(key)) return false;
    this.#indexes.set(key, this.#matches.length);
    this.#matches.push([]);
    return true;
  }

  /** @param ordinal of the key, from 1 */
  addMatch(ordinal: number, skuNumber: number): void {
    this.#matches[ordinal - 1]?.push(skuNumber);
  }

  /** Sorts the matches of each key by SKU number, since queries return them in any order. */
  sortMatches(): void {
    for (const numbers of this.#matches) if (numbers.length > 1) numbers.sort((a, b) => a - b);
  }

  matchesOf(key: K): readonly number[] {
    const index = this.#indexes.get(key);
    return index === undefined ? NO_MATCHES : (this.#matches[index] ?? NO_MATCHES);
  }
}

/** Selects the columns of the matching SKUs, and last the ordinal of the key that each matches. */
export interface LookupStatement extends Statement {
  readonly addMatch: (ordinal: number, skuNumber: number) => void;
}

/**
 * Finds the SKUs that the lines of a transaction identify: collects the identifiers, looks them up in at
 * most three statements, and then resolves each line.
 */
export class IdentifierLookup {
  readonly #skuIds = new KeySet<string>();
  readonly #gtins = new KeySet<number>();
  readonly #combinationKeys = new KeySet<string>();
  readonly #combinations: Combination[] = [];

  /**
   * Adds the identifiers of lines, with pauses.
   *
   * @param alwaysBySkuId also looks up each `sku_id` alone, even if its line has GTINs or was refused
   */
  *addingLines(lines: Lines, alwaysBySkuId: boolean): Steps<void> {
    for (let i = 0; i < lines.count; i += 1) {
      if (isPause(i)) yield;
      const own = lines.skuIds[i] ?? null;
      const others = lines.alternatives?.get(i);
      this.#addLine(lines, i, own, alwaysBySkuId || others !== undefined);
      for (const other of others ?? []) this.#addLine(lines, i, other, true);
    }
  }

  #addLine(lines: Lines, i: number, skuId: string | null, bySkuId: boolean): void {
    const gtins = gtinsOfLine(lines, i);
    if (skuId !== null && !skuIdCanExist(skuId)) return;
    if (skuId !== null && (bySkuId || gtins.length === 0)) this.#skuIds.add(skuId);
    if (lines.refusals.size > 0 && lines.refusals.has(i)) return;
    const [gtin] = gtins;
    if (gtin === undefined || gtins.length > GTIN_FORMS.length) return;
    if (skuId === null && gtins.length === 1) this.#gtins.add(gtin);
    else if (this.#combinationKeys.add(combinationKey(skuId, gtins))) {
      this.#combinations.push({ skuId, gtins: [...gtins] });
    }
  }

  /** @param columns of `inventory`, selected before the ordinal */
  statements(supplierId: number, columns: string): readonly LookupStatement[] {
    const statements: LookupStatement[] = [];
    const add = (
      keys: KeySet<string> | KeySet<number>,
      text: string,
      ...arrays: readonly Buffer[]
    ): void => {
      const addMatch = keys.addMatch.bind(keys);
      statements.push({ text, values: [supplierId, ...arrays], addMatch });
    };
    if (this.#skuIds.size > 0) {
      add(this.#skuIds, selectBySkuId(columns), textArray(this.#skuIds.keys));
    }
    if (this.#gtins.size > 0) add(this.#gtins, selectByGtin(columns), int8Array(this.#gtins.keys));
    if (this.#combinations.length > 0) {
      const gtins = GTIN_FORMS.map((_, n) =>
        int8Array(this.#combinations.map((combination) => combination.gtins[n] ?? null)),
      );
      const skuIds = textArray(this.#combinations.map(({ skuId }) => skuId));
      add(this.#combinationKeys, selectByCombination(columns), skuIds, ...gtins);
    }
    return statements;
  }

  /** Call this after all statements have run. */
  sortMatches(): void {
    this.#gtins.sortMatches();
    this.#combinationKeys.sortMatches();
  }

  /**
   * The numbers of the SKUs that line `i` matches: those with its `sku_id`, if it has one, and all of its
   * GTINs. At most as many as a result lists.
   */
  resolve(lines: Lines, i: number): readonly number[] {
    const skuId = this.#namedSkuId(lines, i);
    const gtins = gtinsOfLine(lines, i);
    const [gtin] = gtins;
    if (gtin === undefined) return skuId === null ? NO_MATCHES : this.#skuIds.matchesOf(skuId);
    return skuId === null && gtins.length === 1
      ? this.#gtins.matchesOf(gtin)
      : this.#combinationKeys.matchesOf(combinationKey(skuId, gtins));
  }

  /** The number of the SKU with the `sku_id` of line `i`; undefined if there is none. */
  findBySkuId(lines: Lines, i: number): number | undefined {
    const skuId = this.#namedSkuId(lines, i);
    return skuId === null ? undefined : this.#skuIds.matchesOf(skuId)[0];
  }

  #namedSkuId(lines: Lines, i: number): string | null {
    return skuIdOfLine(lines, i, (skuId) => this.#skuIds.matchesOf(skuId).length > 0);
  }
}

/** Unique: the GTINs contain only digits and commas, so they end at the first colon. */
function combinationKey(skuId: string | null, gtins: Float64Array): string {
  return `${gtins.join(',')}${skuId === null ? '' : `:${skuId}`}`;
}

const JOIN_INVENTORY = joinNumbered('inventory', 'sku_number', 'skus.sku_number');

function selectBySkuId(columns: string): string {
  return `SELECT ${columns}, named.ordinal
    FROM unnest($2::text[]) WITH ORDINALITY AS named (sku_id, ordinal)
      ${joinSku('sku_id', 'named.sku_id', ['sku_number'])} ${JOIN_INVENTORY}`;
}

/** The limit matters: every SKU of a catalogue may have the same placeholder GTIN. */
function selectByGtin(columns: string): string {
  return `SELECT ${columns}, named.ordinal
    FROM unnest($2::bigint[]) WITH ORDINALITY AS named (gtin, ordinal)
      CROSS JOIN LATERAL (SELECT sku_number FROM gtins
        WHERE supplier_id = $1 AND gtins.gtin = named.gtin
        ORDER BY sku_number LIMIT ${CANDIDATES_NAMED_MAX}) AS skus ${JOIN_INVENTORY}`;
}

const GTIN_COLUMNS = GTIN_FORMS.map((_, n) => `gtin_${n}`);

/** Counting stops here when the rarest of several GTINs is chosen. */
const HOLDERS_COUNTED_MAX = 1000;

/**
 * Finds the SKUs with several GTINs by scanning those that have the rarest one, because every SKU of a
 * catalogue may have the same placeholder GTIN.
 */
function selectByCombination(columns: string): string {
  const hasAllGtins = (sku: string): string =>
    GTIN_COLUMNS.map(
      (gtin) => `(named.${gtin} IS NULL OR EXISTS (SELECT FROM gtins AS other
        WHERE other.supplier_id = $1 AND other.gtin = named.${gtin}
          AND other.sku_number = ${sku}.sku_number OFFSET 0))`,
    ).join(' AND ');
  const rarest = `SELECT given.gtin FROM unnest(ARRAY[${GTIN_COLUMNS.map((gtin) => `named.${gtin}`).join(', ')}]) AS given (gtin)
    WHERE given.gtin IS NOT NULL
    ORDER BY (SELECT count(*) FROM (SELECT FROM gtins AS counted
      WHERE counted.supplier_id = $1 AND counted.gtin = given.gtin LIMIT ${HOLDERS_COUNTED_MAX}) AS holders)
    LIMIT 1`;
  return `WITH named AS MATERIALIZED (
      SELECT * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
        WITH ORDINALITY AS named (sku_id, ${GTIN_COLUMNS.join(', ')}, ordinal)),
    found AS (
      SELECT named.ordinal, skus.sku_number FROM named
        ${joinSku('sku_id', 'named.sku_id', ['sku_number'])}
      WHERE ${hasAllGtins('skus')}
      UNION ALL
      SELECT named.ordinal, found.sku_number FROM named
        CROSS JOIN LATERAL (${rarest}) AS rarest
        CROSS JOIN LATERAL (SELECT one.sku_number FROM gtins AS one
          WHERE one.supplier_id = $1 AND one.gtin = rarest.gtin AND ${hasAllGtins('one')}
          ORDER BY one.sku_number LIMIT ${CANDIDATES_NAMED_MAX}) AS found
      WHERE named.sku_id IS NULL)
    SELECT ${columns}, skus.ordinal FROM found AS skus ${JOIN_INVENTORY}`;
}
