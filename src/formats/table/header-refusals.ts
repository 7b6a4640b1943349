/** Error messages about headers that cannot be used. Each says what to send instead. */
import type { ColumnTarget } from '../../domain/file-columns.ts';
import { printKey } from '../../domain/reading-rules.ts';
import { quoted } from '../format.ts';
import { looksLikeStock, looksPromised } from './aliases.ts';
import { isPlaceName } from './place-columns.ts';

interface NamedColumn {
  readonly place: number;
  readonly header: string;
}

/** The rule that reads columns as others, as its sender may send it. */
export function mappingOf(
  columns: readonly { readonly header: string; readonly target: string }[],
): string {
  const pairs = columns.map(({ header, target }) => `${printKey(header)}=${target}`);
  return `mapping=${pairs.join(',')}`;
}

export function lacksColumn(header: string, target: string, names: readonly string[]): string {
  return `The file has no column "${header}" to read as ${target}; ${listOf(names)}`;
}

/** Two columns that would be read as the same. */
export function sameTarget(one: NamedColumn, other: NamedColumn, target: ColumnTarget): string {
  const which =
    `Columns ${one.place + 1} ("${one.header}") and ${other.place + 1} ("${other.header}") ` +
    `would both be read as ${target}`;
  return one.header.toLowerCase() === other.header.toLowerCase()
    ? `${which}; give them different names, or remove one.`
    : `${which}; only one may. Send ${mappingOf([{ header: one.header, target }])} or ${mappingOf([{ header: other.header, target }])}.`;
}

/** No column is known, and one holds a number: these are data. */
export function hasNoHeader(names: readonly string[]): string {
  return (
    `The file has no header, a first row that names the columns: its first row is ${names.slice(0, HEADERS_NAMED_MAX).map(shown).join(', ')}. ` +
    'Add one such as sku_id,quantity_in_stock.'
  );
}

/** The only cell of the header holds something that usually separates cells. */
export function hasOneCell(name: string): string {
  const separator = /[,;\t|]/.exec(name)?.[0];
  return (
    `The header is one cell: ${quoted(name)}. ` +
    (separator === undefined || /^\w+[:\s]/.test(name)
      ? 'Separate the cells by commas, semicolons, tabs or |.'
      : `Each row was probably put into quotes as a whole, so that its ${separator === '\t' ? 'tabs separate' : `"${separator}" separates`} nothing. Remove the quotes around the rows.`)
  );
}

/** Words in the headers of columns that may have the number of a SKU. */
const LIKE_NUMBER =
  /sku|\bno\b|\bn[or]\.|#|number|nummer|part|item|product|article|artikel|code|ref/i;

/** No column names the SKU. @param unread headers of the columns that are not read */
export function lacksIdentifier(
  allowed: readonly string[],
  names: readonly string[],
  unread: readonly string[],
): string {
  const candidates = unread.filter(
    (name) => name !== '' && !looksLikeStock(name) && !isPlaceName(name),
  );
  const example = candidates.find((name) => LIKE_NUMBER.test(name)) ?? candidates[0] ?? 'My number';
  return (
    `No column says which SKU a row is about (${allowed.join(', ')}, or an alias of one); ${listOf(names)} ` +
    `If another column holds it, name it: ${mappingOf([{ header: shown(example), target: 'sku_id' }])}.`
  );
}

/** A status is read, and columns that have numbers are not. @param likely their headers */
export function hasOnlyStatus(likely: readonly string[]): string {
  const ignored = likely.map((header) => ({ header, target: 'ignore' }));
  return (
    `Only a status would be read, although columns that look like quantities have numbers: ${likely.map(shown).join(', ')}. ` +
    `${adviceOn(likely)} If they are not what is in stock, send ${mappingOf(ignored)}.`
  );
}

/** Rows at several places repeat the total of their SKU. */
export function repeatsTotal(header: string): string {
  const mapping = mappingOf([{ header, target: 'quantity_in_stock' }]);
  return `Column ${quoted(header)} has the total of a SKU, as its name says, so that rows at several places cannot be added up, as locations=sum asks. Send locations=last, or name the column that has what is at each place. If this is that column, send ${mapping}.`;
}

/** No column has a quantity or a status. @param likely headers of the columns that may have it, best first */
export function lacksInventory(
  allowed: readonly string[],
  names: readonly string[],
  likely: readonly string[],
): string {
  return `No column has a quantity or a status (${allowed.join(', ')}, or an alias of one); ${listOf(names)} ${adviceOn(likely)}`;
}

/** How to name the stock. @param likely headers of the columns that may have it, best first */
function adviceOn(likely: readonly string[]): string {
  const target = 'quantity_in_stock';
  const offered = likely
    .filter((name) => !looksPromised(name))
    .slice(0, COLUMNS_OFFERED_MAX)
    .map(shown);
  const parts = countedAlike(offered.filter((name) => !isTotal(name)));
  const [first = 'My stock'] = [...offered.filter(isTotal), ...parts];
  return parts.length < 2
    ? `If another column holds it, name it: ${mappingOf([{ header: first, target }])}.`
    : `To read one of them, name it: ${mappingOf([{ header: first, target }])}. ` +
        `To add up several, such as one per warehouse, name each: ${mappingOf(parts.map((header) => ({ header, target })))}.`;
}

/**
 * Headers of unread columns that may have a quantity: those that look like it, or else those that have a whole number
 * in the row below.
 */
export function likelyStock(
  names: readonly string[],
  unread: readonly string[],
  below: readonly string[],
): readonly string[] {
  const likely = unread.filter(
    (name) => (looksLikeStock(name) || isTotal(name)) && !COUNTS_OTHERS.test(name),
  );
  if (likely.some(looksLikeStock)) return likely;
  return names.filter(
    (name, place) =>
      unread.includes(name) &&
      !NOT_COUNTED.test(name) &&
      !COUNTS_OTHERS.test(name) &&
      /^\d{1,6}$/.test((below[place] ?? '').trim()),
  );
}

/**
 * Of the headers that tell apart what they count, those that count the same: the current quantity of a warehouse must not
 * be added to its new one, nor what is on hand to what is available of it.
 */
function countedAlike(headers: readonly string[]): readonly string[] {
  const groups = Map.groupBy(headers, (header) =>
    COUNTS.findIndex((counted) => counted.test(header)),
  );
  const [first] = [...groups].toSorted(
    ([a, some], [b, others]) => others.length - some.length || a - b,
  );
  return first?.[1] ?? [];
}

/** What a column counts, as its header says; the best first. */
const COUNTS = [
  /avail|\bats\b|\batp\b|sellable|verfügb|dispon|beschikb|dostęp/i,
  /\bcurrent\b|\baktuell|\bactuel|\bactual\b|\battual/i,
  /on.?hand|physical|physisch/i,
  /\bnew\b|\bneu|\bnouve|\bnuev|\bnuov|\bnieuw|\bnow|\bnov[ao]\b/i,
  /\bold\b|\bprevious\b/i,
  /order|transit|incoming|expected|inbound/i,
];

/** Whether a header is that of a total, which must not be added to its parts. */
export function isTotal(name: string): boolean {
  return /\btotal|gesamt|summe\b|\bsuma\b|totaal/i.test(name);
}

/** Words in the headers of quantities that are not what is in stock, or not in single units. */
const COUNTS_OTHERS =
  /sold|sales|order|change|adjust|\bper\b|cases?\b|carton|karton|pallet|dozen|thousand|expected|incoming|inbound|transit|forecast|\b(?:min|max)\b/i;

const NOT_COUNTED =
  /\bid\b|code|number|nummer|price|preis|position|condition|handling|lead|restock|days|pack|case|karton|weight|option|year/i;

/** A catalogue without a `sku_id`. */
export function lacksSkuId(names: readonly string[], unread: readonly string[]): string {
  const example = shown(unread[0] ?? 'My number');
  return (
    `The file has no sku_id column, which says which SKU a row is about; ${listOf(names)} ` +
    `If another column holds it, name it: ${mappingOf([{ header: example, target: 'sku_id' }])}.`
  );
}

const COLUMNS_OFFERED_MAX = 20;
const HEADERS_NAMED_MAX = 30;
const HEADER_SHOWN_CHARACTERS = 60;

function listOf(names: readonly string[]): string {
  const listed = names.slice(0, HEADERS_NAMED_MAX).map((name) => shown(name.trim()));
  const more = names.length > listed.length ? ` and ${names.length - listed.length} more` : '';
  return `it has ${listed.join(', ')}${more}.`;
}

function shown(name: string): string {
  return name.slice(0, HEADER_SHOWN_CHARACTERS).toWellFormed();
}
