import { COLUMN_TARGETS, type ColumnTarget } from '../../domain/file-columns.ts';
import { folded, namesIn, type Language } from '../language.ts';
import { COLUMN_NAMES, type ColumnNames } from './column-names.ts';

/** What a header means without a mapping. */
export interface KnownName {
  readonly target: ColumnTarget;
  /** Whether it is the target's own name, or another name of it. */
  readonly by: 'name' | 'alias';
  /** Its position in `COLUMN_NAMES`; -1 for the target's own name. Of several columns, the lowest rank counts. */
  readonly rank: number;
  readonly meaning?: string;
  readonly strength?: ColumnNames['strength'];
  /** The first of the languages that have this name. */
  readonly language: Language;
}

/**
 * Normalizes a header for comparison: `Item #`, `item_number` and `ITEM NUMBER` are equal, and so are
 * `Verfügbar` and `verfugbar`. A question stays one: `In stock?` is `Is in stock`. Signs that change what is
 * counted stay too: `Stock %`, `Stock (€)` and `Stock +/-` are not `Stock`.
 */
export function normalizedHeader(header: string): string {
  const text = folded(header).replaceAll('#', ' number').trim();
  const name = text.replaceAll(/[^\p{L}\p{N}\p{Sc}%+±]/gu, '');
  return text.endsWith('?') && !name.startsWith('is') ? `is${name}` : name;
}

/** What a header means, apart from units in brackets behind it; undefined if it is not known. */
export function knownName(header: string): KnownName | undefined {
  // No name is this long. The limit bounds the work for a header that only looks like one.
  if (header.length > HEADER_CHARACTERS_MAX) return undefined;
  for (let name = header.trim(); name !== '';) {
    const known = KNOWN_NAMES.get(normalizedHeader(name));
    if (known !== undefined) {
      const isOwn = known.rank < 0 && name.toLowerCase() === known.target;
      return known.rank >= 0 || isOwn ? known : { ...known, by: 'alias' };
    }
    const bare = name.replace(UNIT, '').trimEnd();
    if (bare === name) return undefined;
    name = bare;
  }
  return undefined;
}

const HEADER_CHARACTERS_MAX = 1000;

/** Units and remarks in brackets that do not change what a header means, such as how a cell is to be written. */
const UNIT =
  /[([](?:units?|pcs\.?|pieces|ea|each|stk\.?|stück|szt\.?|st\.?|uds?\.?|pz\.?|current|not? editable|non editable|required|optional|mandatory|recommended|integer|number|text|true ?[/,|] ?false|yes ?[/,|] ?no|y ?[/,|] ?n|[01] ?[/,|] ?[01]|[01] ?= ?(?:yes|no) ?[,;/] ?[01] ?= ?(?:yes|no)|[dmy]{1,4}[-/. ][dmy]{1,4}[-/. ][dmy]{2,4})[)\]]\*?$/i;

const KNOWN_NAMES: ReadonlyMap<string, KnownName> = knownNames();

function knownNames(): ReadonlyMap<string, KnownName> {
  const known = new Map<string, KnownName>();
  for (const target of COLUMN_TARGETS) {
    known.set(normalizedHeader(target), { target, by: 'name', rank: -1, language: 'en' });
    for (const [rank, { names, meaning, strength }] of (COLUMN_NAMES[target] ?? []).entries()) {
      for (const [name, language] of namesIn(names)) {
        const key = normalizedHeader(name);
        if (known.has(key)) continue;
        known.set(key, {
          target,
          by: 'alias',
          rank,
          language,
          ...(meaning !== undefined && { meaning }),
          ...(strength !== undefined && { strength }),
        });
      }
    }
  }
  return known;
}

/**
 * Whether a header looks like a quantity or an availability. If such a column is not read, its sender should be
 * told.
 */
export function looksLikeStock(header: string): boolean {
  const name = normalizedHeader(header);
  return STOCK_LIKE.test(name) && !NO_STOCK.test(name);
}

/** Whether a header looks like stock that is there and cannot be sold, such as what is reserved for orders. */
export function looksPromised(header: string): boolean {
  const name = normalizedHeader(header);
  return PROMISED.test(name) && !NO_STOCK.test(name);
}

const PROMISED =
  /reserv|rezerw|commit|allocat|blocked|gesperrt|bloque|onhold|quarantin|damaged|unsellable|unavailable|qualityinsp|impegnat|gereserveerd|bloccat|geblokkeerd|zablokowan|bloquead|sparrad|spaerret/;

const STOCK_LIKE =
  /stock|qty|quantit|onhand|availab|lifecycle|sellable|inventor|backorder|discontinu|outofstock|restock|warehouse|status|endoflife|^eol|bestand|menge|stuckzahl|lager|verfug|existenc|existencia|dispon|cantidad|giacenz|esistenz|scorte|voorraad|aantal|beschikbaar|ilosc|magazyn|dostepn|stanmag|estoque|quantidade|antal|saldo|tillgang|beholdning|tilgaengel/;

/** Words in headers that describe, limit or price the stock instead of counting it. */
const NO_STOCK =
  /low|min|max|reorder|restock(?:level|point|qty|quantity)|threshold|safety|alert|notify|allow|track|policy|manage|config|cost|price|preis|prix|precio|value|wert|tax|ship|order(?:status|id|date)|statuscode|payment|code\d*$|name\d*$|location\d*$|id\d*$|uom|unit|text|note|comment|cases|cartons?|pallet|casepack|karton|palett/;
