import { GTIN_FORMS, type GtinForm } from '../../domain/gtin.ts';
import type { ReadingRules } from '../../domain/reading-rules.ts';
import { placeName } from '../edi/places.ts';
import { readCompactDate } from '../edi/report-date.ts';
import { packingUnits, StockItem } from '../edi/stock-item.ts';
import { quoted, type FileRow } from '../format.ts';
import {
  BACKORDER_DATE_CODES,
  COUNTRY_PLACES,
  GTIN_TYPES,
  IDENTIFYING_FUNCTIONS,
  INVENTORY_MOVEMENTS,
  LOCATION_PARTIES,
  OTHER_ID_TYPES,
  PACKING_CODES,
  QUANTITY_CODES,
  SKU_ID_TYPES,
  UNSELLABLE_INVENTORY,
} from './codes.ts';
import { DATE_FORMATS, readDtm } from './dates.ts';
import type { Segment } from './segments.ts';

/** Reads one LIN and the segments of its group. */
export class Item {
  readonly #lin: Segment;
  readonly #stock: StockItem<Segment>;
  /** Whether INV follows its QTY, as in D.96B and before; later it precedes them. */
  readonly #isInventoryLast: boolean;
  readonly #identifiers = new Map<string, { readonly text: string; readonly number: number }>();
  /** Types of numbers and qualifiers of quantities that are not read, for messages. */
  readonly #typesUnread = new Set<string>();
  readonly #quantitiesUnread = new Set<string>();
  /** What the next QTY counts, if that is a movement or inventory that cannot be sold. */
  #unsellable: string | null = null;

  /**
   * @param place the location of the whole message; null if it names none
   * @param release the directory of the message, such as `96A`
   */
  constructor(
    lin: Segment,
    place: string | null,
    release: string,
    rules: Pick<ReadingRules, 'negative' | 'locations'>,
  ) {
    this.#lin = lin;
    this.#isInventoryLast = /^9[0-6]/.test(release);
    this.#stock = new StockItem({
      number: lin.number,
      place,
      packingSegment: 'QTY+59 with that number',
      rules,
      onFault: () => undefined,
    });
    const [, , [action = ''] = [], number = []] = lin.elements;
    if (action === DELETED)
      this.#fault(lin, 'the LIN is deleted (its second element is 2); send its quantity as 0');
    this.#addIdentifier(lin, number);
  }

  /** Reads a segment of the item. Segments that set nothing are ignored. */
  take(segment: Segment): void {
    switch (segment.name) {
      case 'PIA':
        return this.#readIdentifiers(segment);
      case 'QTY':
        return this.#readQuantity(segment);
      case 'INV':
        return this.#readInventory(segment);
      case 'LOC':
        return this.#readPlace(segment);
      case 'NAD':
        return this.#readParty(segment);
      case 'DTM':
        return this.#readDate(segment);
      default:
    }
  }

  /** The rows, after all segments of the item were taken. */
  rows(): readonly FileRow[] {
    this.#identify();
    const { number } = this.#lin;
    return this.#stock.rows(
      () =>
        `Segment ${number}: the LIN names no SKU${only(this.#typesUnread)}; send one of ${TYPES_KNOWN}.`,
      () =>
        `Segment ${number}: the LIN sets nothing${only(this.#quantitiesUnread)}; send one of ${QUANTITIES_KNOWN}, or a date.`,
    );
  }

  #readIdentifiers(segment: Segment): void {
    const [, [purpose = ''] = [], ...numbers] = segment.elements;
    if (!IDENTIFYING_FUNCTIONS.some(({ code }) => code === purpose)) return;
    for (const number of numbers) this.#addIdentifier(segment, number);
  }

  #addIdentifier({ number }: Segment, [sent = '', type = '']: readonly string[]): void {
    const text = sent.trim();
    if (text === '') return;
    if (!TYPES_READ.has(type)) {
      if (this.#typesUnread.size < UNREAD_NAMED_MAX) this.#typesUnread.add(type);
      return;
    }
    const other = this.#identifiers.get(type);
    if (other !== undefined && other.text !== text)
      this.#stock.addIdentifierFault(
        `Segment ${number}: ${type} is ${quoted(text)}, but segment ${other.number} says ${quoted(other.text)}.`,
      );
    this.#identifiers.set(type, { text, number });
  }

  #identify(): void {
    for (const { code, form } of GTIN_TYPES) {
      const id = this.#identifiers.get(code);
      if (id === undefined) continue;
      const refusal = this.#stock.addGtin(form ?? formOf(id.text), id.text);
      if (refusal !== undefined)
        this.#stock.addIdentifierFault(
          `Segment ${id.number}: ${code} ${quoted(id.text)} ${refusal}.`,
        );
    }
    const given = (types: typeof SKU_ID_TYPES): readonly string[] =>
      types.flatMap(({ code }) => this.#identifiers.get(code)?.text ?? []);
    const own = given(SKU_ID_TYPES);
    const [skuId, ...others] =
      own.length > 0 || this.#stock.hasIdentifier ? own : given(OTHER_ID_TYPES);
    if (skuId === undefined) return;
    const refusal = this.#stock.setSkuId(skuId, others);
    if (refusal !== undefined)
      this.#stock.addIdentifierFault(`Segment ${this.#lin.number}: ${quoted(skuId)} ${refusal}.`);
  }

  #readQuantity(segment: Segment): void {
    const [qualifier = '', sent = '', unit = ''] = segment.elements[1] ?? [];
    if (PACKING_CODES.some(({ code }) => code === qualifier)) {
      const units = packingUnits(sent.trim(), '', '');
      if (units !== undefined) this.#stock.setPackingUnits(units);
      return;
    }
    const rank = QUANTITY_CODES.findIndex(({ code }) => code === qualifier);
    const known = QUANTITY_CODES[rank];
    const name = `QTY+${qualifier}`;
    if (known === undefined || this.#unsellable !== null) {
      this.#noteUnread(this.#unsellable === null ? name : `${name} (${this.#unsellable})`);
      return;
    }
    const { decimal } = segment.characters;
    this.#stock.addQuantity({
      field: known.field,
      rank,
      name,
      text: decimal === ',' || SHORT_FRACTION.test(sent) ? sent.replace(',', '.') : sent,
      unit: unit.trim(),
      at: segment,
    });
  }

  #noteUnread(name: string): void {
    if (this.#quantitiesUnread.size < UNREAD_NAMED_MAX) this.#quantitiesUnread.add(name);
  }

  #readInventory({ elements }: Segment): void {
    const type = elements[2]?.[0] ?? '';
    const direction = elements[1]?.[0] ?? '';
    const unsellable =
      INVENTORY_MOVEMENTS.find(({ code }) => code === direction)?.meaning ??
      UNSELLABLE_INVENTORY.find(({ code }) => code === type)?.meaning ??
      null;
    if (!this.#isInventoryLast) this.#unsellable = unsellable;
    else if (unsellable !== null) {
      const name = this.#stock.dropLastQuantity();
      if (name !== undefined) this.#noteUnread(`${name} (${unsellable})`);
    }
  }

  #readPlace({ elements }: Segment): void {
    const [, [qualifier = ''] = [], [code = '', , , name = ''] = []] = elements;
    if (!COUNTRY_PLACES.has(qualifier)) this.#stock.addPlace(placeName(code, name));
  }

  #readParty(segment: Segment): void {
    const place = placeOfParty(segment);
    if (place !== undefined) this.#stock.addPlace(place);
  }

  #readDate(segment: Segment): void {
    const [qualifier = '', text = '', format = ''] = segment.elements[1] ?? [];
    const rank = BACKORDER_DATE_CODES.findIndex(({ code }) => code === qualifier);
    if (rank < 0) return;
    const date = readCompactDate(readDtm(text, format)?.slice(0, 8) ?? '');
    if (date !== undefined) return this.#stock.addDate(rank, date);
    this.#fault(
      segment,
      `DTM+${qualifier} is ${quoted(text)} in the format ${quoted(format)}, not a calendar date in one of the formats ${DATE_FORMATS.join(', ')}`,
    );
  }

  #fault({ number }: Segment, reason: string): void {
    this.#stock.addFieldFault(`Segment ${number}: ${reason}.`);
  }
}

/** The location that a NAD names; undefined if its party is not a location, null if it names all of them together. */
export function placeOfParty({ elements }: Segment): string | null | undefined {
  const [, [party = ''] = [], [code = ''] = [], , [name = ''] = []] = elements;
  return LOCATION_PARTIES.some((known) => known.code === party) ? placeName(code, name) : undefined;
}

/** Either mark begins a fraction in EDIFACT, whatever UNA says. Three digits may be thousands, against the rules. */
const SHORT_FRACTION = /^\s*-?\d+,\d\d?\s*$/;

/** The action of a LIN that deletes it. */
const DELETED = '2';

const TYPES_READ: ReadonlySet<string> = new Set(
  [...SKU_ID_TYPES, ...OTHER_ID_TYPES, ...GTIN_TYPES].map(({ code }) => code),
);

/** What an item may contain, for messages. */
const TYPES_KNOWN = [...SKU_ID_TYPES, ...GTIN_TYPES].map(({ code }) => code).join(', ');
const QUANTITIES_KNOWN = QUANTITY_CODES.map(({ code }) => `QTY+${code}`).join(', ');

/** Most unknown codes that a message names. */
const UNREAD_NAMED_MAX = 5;

function only(names: ReadonlySet<string>): string {
  if (names.size === 0) return '';
  return `: it has only ${Array.from(names, (name) => quoted(name, 60)).join(', ')}`;
}

const FORM_BY_LENGTH: Readonly<Record<number, GtinForm>> = { 12: 'upca', 14: 'gtin14' };

/** The form of a GTIN of any form. */
function formOf(text: string): GtinForm {
  return FORM_BY_LENGTH[text.length] ?? GTIN_FORMS[1];
}
