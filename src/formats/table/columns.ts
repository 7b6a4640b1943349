import { GTIN_FORMS } from '../../domain/gtin.ts';
import {
  IGNORE,
  STATUS_COLUMNS,
  type ColumnMapping,
  type ColumnTarget,
} from '../../domain/file-columns.ts';
import type { Language } from '../language.ts';
import {
  knownName,
  looksLikeStock,
  looksPromised,
  normalizedHeader,
  type KnownName,
} from './aliases.ts';
import { withoutBlanks } from './blanks.ts';
import { isDayName, isPlaceName } from './place-columns.ts';
import {
  lacksColumn,
  lacksIdentifier,
  lacksInventory,
  hasNoHeader,
  hasOnlyStatus,
  hasOneCell,
  lacksSkuId,
  likelyStock,
  mappingOf,
  sameTarget,
} from './header-refusals.ts';
import { decidedKind, PRODUCT_COLUMNS, withoutProductColumns, type TableKind } from './kind.ts';
import { HeaderRefusal } from './table.ts';

/** Columns that identify the SKU of an inventory row. */
export const IDENTIFIER_COLUMNS = [
  'sku_id',
  ...GTIN_FORMS,
  'gtin',
] as const satisfies readonly ColumnTarget[];

/** Columns that set an inventory field. */
export const INVENTORY_COLUMNS = [
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
  ...STATUS_COLUMNS,
] as const satisfies readonly ColumnTarget[];

/** Columns that are added up if the file has several of them. */
const ADDED_COLUMNS: ReadonlySet<ColumnTarget> = new Set([
  'quantity_in_stock',
  'quantity_on_backorder',
]);

const STATUSES: ReadonlySet<ColumnTarget> = new Set(STATUS_COLUMNS);

/** A column that is read: its position from 0, the file's header, and what it is read as. */
export interface Column {
  readonly place: number;
  readonly header: string;
  readonly target: ColumnTarget;
  /** Why: the header is mapped, is the target's own name, or is an alias of it. */
  readonly by: 'map' | 'name' | 'alias';
}

export interface MatchedHeader {
  readonly width: number;
  /** Without the blanks around them. */
  readonly names: readonly string[];
  readonly kind: TableKind;
  /**
   * In the order of the file. One column may be read as two targets. Several columns of one quantity are added
   * up, and several of a status all count.
   */
  readonly columns: readonly Column[];
  /**
   * The column that has the stock of a row whose own column has a status, such as `Available` with yes and no.
   * Null if none has, or if it is not clear which.
   */
  readonly stockBesideStatus: Column | null;
  /** Headers of the columns that are ignored. */
  readonly unknown: readonly string[];
  /** Those of them that look like a quantity or an availability, unless they were mapped to be ignored. */
  readonly overlooked: readonly string[];
  /** The columns that say where the stock of a row is. */
  readonly places: readonly number[];
  /** Those of them whose names may say that the stock cannot be sold: all that were not mapped to be ignored. */
  readonly judgedPlaces: readonly number[];
  /** The column with the day of a row's stock, unless it was mapped to be ignored. */
  readonly dayPlace: number | undefined;
  /** The languages of the headers that are read, other than English. */
  readonly languages: readonly Language[];
  /** What the sender should know about the choice of columns, in sentences. */
  readonly notes: readonly string[];
}

/** A column with everything that decides whether it is read. */
interface Candidate extends Column, Pick<KnownName, 'rank' | 'meaning' | 'strength'> {
  readonly language?: Language;
}

/**
 * Decides what each column of a file is read as. Mappings come first, then the target's own name, then other
 * names (`COLUMN_NAMES`). A mapped header loses the meaning of its own name, and a mapped target is not also
 * found by name. Of several names of one target, the first in `COLUMN_NAMES` counts.
 *
 * Throws `body_malformed` if the file lacks a mapped header, has two columns for one target with
 * the same rank, or has more than `columnsMax` columns.
 *
 * @param below the row below the header, whose cells show what unclear columns are
 */
export function matchColumns(
  header: readonly string[],
  requested: readonly ColumnMapping[],
  columnsMax = Infinity,
  kind?: TableKind,
  below: readonly string[] = [],
): MatchedHeader {
  if (header.length > columnsMax) {
    throw new HeaderRefusal(
      `The header has ${header.length} columns; no more than ${columnsMax} are read.`,
    );
  }
  const names = header.map(withoutBlanks);
  const mappings = presentMappings(names, requested);
  const all = withoutBlockedStock(
    names.flatMap((name, place) => candidatesFor(name, place, mappings)),
    below,
  );
  const candidates = withoutWeak(all, kind ?? kindOf(all));
  const chosen = withStatusOfUnclear(chooseColumns(candidates, below), candidates);
  const places = new Set(chosen.columns.map(({ place }) => place));
  const unread = names
    .entries()
    .filter(([place]) => !places.has(place))
    .toArray();
  const ignored = new Set(
    mappings.filter(({ target }) => target === IGNORE).map((mapping) => lower(mapping.header)),
  );
  return {
    width: header.length,
    names,
    kind: kindOf(chosen.columns),
    columns: chosen.columns.toSorted((a, b) => a.place - b.place).map(columnOf),
    stockBesideStatus: stockBesideStatus(chosen.spare),
    unknown: unread.map(([place, name]) =>
      name === '' ? `(column ${place + 1}, without a name)` : name,
    ),
    overlooked: unread
      .map(([, name]) => name)
      .filter(
        (name) =>
          looksLikeStock(name) &&
          !looksPromised(name) &&
          !ignored.has(lower(name)) &&
          !isPlaceName(name) &&
          !chosen.spare.some(({ header: spare }) => spare === name),
      ),
    places: placesAmong(unread),
    dayPlace: unread.find(([, name]) => isDayName(name) && !ignored.has(lower(name)))?.[0],
    judgedPlaces: placesAmong(unread.filter(([, name]) => !ignored.has(lower(name)))),
    languages: [
      ...new Set(
        chosen.columns.flatMap(({ language = 'en' }) => (language === 'en' ? [] : [language])),
      ),
    ],
    notes: [
      ...notesOf(chosen.columns, chosen.spare),
      ...weakNotes(all, candidates),
      ...promisedNotes(
        chosen.columns,
        unread.map(([, name]) => name).filter((name) => !ignored.has(lower(name))),
      ),
    ],
  };
}

function placesAmong(columns: readonly (readonly [number, string])[]): readonly number[] {
  return columns.filter(([, name]) => isPlaceName(name)).map(([place]) => place);
}

/** The mappings whose headers the file has. Throws if it lacks one that is not optional. */
function presentMappings(
  names: readonly string[],
  requested: readonly ColumnMapping[],
): readonly ColumnMapping[] {
  const present = new Set(names.map(lower));
  const isPresent = ({ header }: ColumnMapping): boolean => present.has(lower(header));
  const missing = requested.find(
    (mapping) => mapping.isOptional !== true && !isPresent(mapping) && mapping.target !== IGNORE,
  );
  if (missing !== undefined)
    throw new HeaderRefusal(lacksColumn(missing.header, missing.target, names));
  return requested.filter(isPresent);
}

function candidatesFor(
  name: string,
  place: number,
  mappings: readonly ColumnMapping[],
): readonly Candidate[] {
  const mapped = mappings.filter((mapping) => lower(mapping.header) === lower(name));
  if (mapped.length > 0) {
    const targets = new Set(mapped.map(({ target }) => target));
    return Array.from(targets).flatMap((target) =>
      target === IGNORE ? [] : [{ place, header: name, target, by: 'map' as const, rank: -2 }],
    );
  }
  const known = knownName(name);
  if (known === undefined || mappings.some(({ target }) => target === known.target)) return [];
  return [{ ...known, place, header: name }];
}

/**
 * Drops the weak names if another column identifies the SKU. A catalogue never uses them: it creates SKUs, and a guess
 * must not.
 */
function withoutWeak(candidates: readonly Candidate[], kind: TableKind): readonly Candidate[] {
  const identifiers: readonly ColumnTarget[] = IDENTIFIER_COLUMNS;
  const hasBetter = candidates.some(
    ({ target, strength }) => identifiers.includes(target) && strength !== 'weak',
  );
  return hasBetter || kind === 'catalogue'
    ? candidates.filter(({ strength }) => strength !== 'weak')
    : candidates;
}

/**
 * `Blocked` is a kind of stock, and not whether the SKU is hidden, beside unrestricted stock, as SAP lists it; if the row
 * below the header has a number there that is neither 0 nor 1; and, beside stock on hand, if it has any number.
 */
function withoutBlockedStock(
  candidates: readonly Candidate[],
  below: readonly string[],
): readonly Candidate[] {
  const stocks = candidates.filter(({ target }) => target === 'quantity_in_stock');
  const hasStockTypes = stocks.some(({ header }) =>
    /^(?:unrestricted|frei verwendbar)/i.test(header),
  );
  const isOnHand = stocks.some(({ meaning }) => meaning === 'on hand');
  const isStock = ({ target, by, place }: Candidate): boolean => {
    if (target !== 'hidden' || by !== 'alias') return false;
    const cell = withoutBlanks(below[place] ?? '');
    return hasStockTypes || COUNTED.test(cell) || (isOnHand && /^\d/.test(cell));
  };
  return candidates.filter((candidate) => !isStock(candidate));
}

/** A number other than 0 and 1, which may stand for no and yes. */
const COUNTED = /^(?:[2-9]|\d\d)/;

interface Chosen {
  readonly columns: readonly Candidate[];
  readonly spare: readonly Candidate[];
}

function chooseColumns(candidates: readonly Candidate[], below: readonly string[]): Chosen {
  const columns: Candidate[] = [];
  const spare: Candidate[] = [];
  for (const [target, group] of Map.groupBy(candidates, (candidate) => candidate.target)) {
    const best = STATUSES.has(target) ? Infinity : Math.min(...group.map(({ rank }) => rank));
    const alike = group.filter(({ rank }) => rank <= best);
    const flags = target === 'quantity_in_stock' ? flagsAmong(alike, below) : [];
    spare.push(...flags.map((flag) => ({ ...flag, strength: 'unclear' as const })));
    const [first, ...others] = alike.filter((candidate) => !flags.includes(candidate));
    if (first === undefined) continue;
    const isSum = ADDED_COLUMNS.has(target) && first.by === 'map';
    const second = others.find(
      ({ header }) => !STATUSES.has(target) && !(isSum && lower(header) !== lower(first.header)),
    );
    if (second !== undefined) {
      const known = new Set(candidates.map((candidate) => candidate.target)).size;
      throw new HeaderRefusal(sameTarget(first, second, target), known);
    }
    columns.push(first, ...others);
    if (ADDED_COLUMNS.has(target)) spare.push(...group.filter(({ rank }) => rank > best));
  }
  return { columns, spare };
}

/**
 * Of columns that count alike, those that more likely have yes and no: `available` beside `available quantity`, unless the
 * row below has a number there.
 */
function flagsAmong(alike: readonly Candidate[], below: readonly string[]): readonly Candidate[] {
  const flags = alike.filter(
    ({ by, header, place }) =>
      by === 'alias' &&
      BARE_AVAILABLE.test(normalizedHeader(header)) &&
      !COUNTED.test(withoutBlanks(below[place] ?? '')),
  );
  return flags.length < alike.length ? flags : [];
}

/** Available, in any language, without a word for a quantity. */
const BARE_AVAILABLE =
  /^(?:available|avail|verfugbar|disponible|dispo|disponibile|beschikbaar|dostepne|disponivel|tillgangligt|tilgaengeligt)$/;

/** Where another column has the quantity, a column such as `In stock` is read as the status. */
function withStatusOfUnclear({ columns, spare }: Chosen, all: readonly Candidate[]): Chosen {
  const unclear = spare.filter(({ strength }) => strength === 'unclear');
  if (unclear.length === 0 || all.some(({ target, by }) => by === 'map' && STATUSES.has(target)))
    return { columns, spare };
  return {
    columns: [...columns, ...unclear.map((column) => ({ ...column, target: 'status' as const }))],
    spare: spare.filter(({ strength }) => strength !== 'unclear'),
  };
}

/** The column of the stock whose name counts first among those that are not read. */
function stockBesideStatus(spare: readonly Candidate[]): Column | null {
  const stocks = spare.filter(
    ({ target, header }) => target === 'quantity_in_stock' && !isPlaceName(header),
  );
  const best = Math.min(...stocks.map(({ rank }) => rank));
  const [first, second] = stocks.filter(({ rank }) => rank === best);
  return first === undefined || second !== undefined ? null : columnOf(first);
}

/** Says which of several quantities counts. */
function notesOf(columns: readonly Candidate[], spare: readonly Candidate[]): readonly string[] {
  const notes: string[] = [];
  const quantities = spare.filter(({ header }) => !isPlaceName(header));
  for (const [target, others] of Map.groupBy(quantities, (column) => column.target)) {
    const read = columns.filter((column) => column.target === target);
    const list = others.map(({ header }) => `"${header}"`).join(', ');
    notes.push(
      `${target} is read from ${read.map(({ header, meaning }) => `"${header}"${meaning === undefined ? '' : ` (${meaning})`}`).join(', ')}, ` +
        `not from ${list}. To read another, send ${mappingOf(others.slice(0, 1))}.`,
    );
  }
  for (const [target, added] of Map.groupBy(columns, (column) => column.target)) {
    if (!ADDED_COLUMNS.has(target) || added.length < 2) continue;
    notes.push(`${target} is the sum of ${added.map(({ header }) => `"${header}"`).join(', ')}.`);
  }
  return notes;
}

/** Says which column may have the `sku_id`, if no other has it and rows without a barcode name no SKU. */
function weakNotes(all: readonly Candidate[], candidates: readonly Candidate[]): readonly string[] {
  const [weak] = all.filter(({ target, strength }) => target === 'sku_id' && strength === 'weak');
  if (weak === undefined || candidates.some(({ target }) => target === 'sku_id')) return [];
  return [
    `"${weak.header}" is not read, since barcodes identify the SKUs. If it is the sku_id, send ${mappingOf([{ header: weak.header, target: 'sku_id' }])}.`,
  ];
}

/** Says which unread columns have stock that the one that is read may include although it cannot be sold. */
function promisedNotes(
  columns: readonly Candidate[],
  unread: readonly string[],
): readonly string[] {
  const read = columns.find(({ target }) => target === 'quantity_in_stock');
  const promised = unread.filter(looksPromised);
  if (read === undefined || promised.length === 0 || read.meaning?.startsWith('available') === true)
    return [];
  const list = promised.map((name) => `"${name}"`).join(', ');
  return [
    `${list} ${promised.length === 1 ? 'looks' : 'look'} like stock that cannot be sold, and is not subtracted from "${read.header}". If "${read.header}" includes it, send the quantity that is available instead.`,
  ];
}

function columnOf({ place, header, target, by }: Candidate): Column {
  return { place, header, target, by };
}

/** The columns of a catalogue. Throws as `matchColumns` does, and if no column is `sku_id`. */
export function matchCatalogue(
  header: readonly string[],
  mappings: readonly ColumnMapping[],
  columnsMax?: number,
): MatchedHeader {
  const matched = asCatalogue(matchColumns(header, mappings, columnsMax, 'catalogue'));
  requireSkuId(matched, header);
  return matched;
}

function isOfCatalogue(target: ColumnTarget): boolean {
  return !STATUSES.has(target) && target !== 'unit';
}

/** A catalogue has no statuses and no units: only its `restrictions` are read. */
function asCatalogue(matched: MatchedHeader): MatchedHeader {
  const columns = matched.columns.filter(({ target }) => isOfCatalogue(target));
  const ignored = matched.columns.filter(({ target }) => !isOfCatalogue(target));
  return {
    ...matched,
    columns,
    unknown: [...matched.unknown, ...ignored.map(({ header }) => header)],
  };
}

/**
 * The columns of a file that is either inventory or a catalogue, as `decidedKind` says. Throws as `matchColumns`
 * does, if a catalogue has no `sku_id` column, and if inventory has no identifier or no inventory column.
 *
 * @param kind what the sender says the file is; null if the sender does not say
 * @param below the row below the header, whose numbers show which columns may be meant
 */
export function matchInventory(
  header: readonly string[],
  mappings: readonly ColumnMapping[],
  columnsMax?: number,
  kind: TableKind | null = null,
  below: readonly string[] = [],
): MatchedHeader {
  const decided = decidedKind(header, kind);
  const found = matchColumns(header, mappings, columnsMax, decided, below);
  if (decided === 'catalogue') {
    requireSkuId(found, header);
    return asCatalogue({ ...found, kind: decided });
  }
  const matched = withoutProductColumns(found);
  const { columns, unknown } = matched;
  if (columns.length === 0 && mappings.length === 0) checkIsHeader(header);
  const has = (targets: readonly ColumnTarget[]): boolean =>
    columns.some(({ target }) => targets.includes(target));
  if (!has(IDENTIFIER_COLUMNS))
    throw new HeaderRefusal(
      lacksIdentifier(IDENTIFIER_COLUMNS, header, unreadOf(header, columns)),
      columns.length,
    );
  const likely = likelyStock(header, unknown, below);
  if (!has(INVENTORY_COLUMNS) || (hasOnlyPlaces(matched) && likely.length > 0))
    throw new HeaderRefusal(
      lacksInventory(INVENTORY_COLUMNS, header, likely) +
        (found.kind === 'catalogue' ? SEND_AS_CATALOGUE : ''),
      columns.length,
    );
  const counted = likelyStock(header, matched.overlooked, below).filter((name) =>
    COUNT.test(withoutBlanks(below[matched.names.indexOf(name)] ?? '')),
  );
  if (!has(['quantity_in_stock', 'quantity_on_backorder']) && counted.length > 0)
    throw new HeaderRefusal(hasOnlyStatus(counted), columns.length);
  return matched;
}

/** A number that may be a quantity: it has too few digits to be a date or a barcode. */
const COUNT = /^\d{1,6}$/;

/**
 * Whether the only inventory column may as well hold the warehouse, such as `Lager`. If another column has numbers, it
 * is not known which is the stock.
 */
function hasOnlyPlaces({ columns }: MatchedHeader): boolean {
  const inventory: readonly ColumnTarget[] = INVENTORY_COLUMNS;
  return columns
    .filter(({ target }) => inventory.includes(target))
    .every(({ by, header }) => by === 'alias' && isPlaceName(header));
}

/** Throws if a row that has no known name is not a header either: it has data, or all of it in one cell. */
function checkIsHeader(header: readonly string[]): void {
  const names = header.map(withoutBlanks).filter((name) => name !== '');
  const [name = ''] = names;
  if (names.length === 1 && (/[,;\t|~^]/.test(name) || isSeveralNames(name)))
    throw new HeaderRefusal(hasOneCell(name));
  if (names.length > 1 && names.some((cell) => /^\d+([.,]\d+)?$/.test(cell)))
    throw new HeaderRefusal(hasNoHeader(names));
}

/** Whether a header is several names that are separated by spaces or colons. */
function isSeveralNames(header: string): boolean {
  const words = header.slice(0, SEVERAL_NAMES_CHARACTERS_MAX).split(/[:\s]+/);
  return words.filter(isKnownHeader).length > 1;
}

const SEVERAL_NAMES_CHARACTERS_MAX = 500;

/** The headers that are not read as inventory or as an identifier; a product column may be meant as one. */
function unreadOf(header: readonly string[], columns: readonly Column[]): readonly string[] {
  const read = columns.filter(({ target }) => target !== 'item_id');
  const places = new Set(read.map(({ place }) => place));
  return header.filter((_, place) => !places.has(place)).map(withoutBlanks);
}

const SEND_AS_CATALOGUE =
  ' If the file describes products, from which SKUs are to be created, send it with kind=catalogue.';

/** Whether a header is known without a mapping. Used to detect the separator of a CSV file. */
export function isKnownHeader(name: string): boolean {
  const known = knownName(name);
  return known !== undefined && known.strength !== 'weak';
}

function kindOf(columns: readonly Column[]): TableKind {
  return columns.some(({ target }) => PRODUCT_COLUMNS.includes(target)) ? 'catalogue' : 'inventory';
}

function requireSkuId({ columns, unknown }: MatchedHeader, names: readonly string[]): void {
  if (columns.some((column) => column.target === 'sku_id')) return;
  throw new HeaderRefusal(lacksSkuId(names, unknown), columns.length);
}

function lower(name: string): string {
  return name.toLowerCase();
}
