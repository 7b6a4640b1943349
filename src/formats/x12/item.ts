import { readGtin } from '../../domain/gtin.ts';
import {
  type Inventory,
  printDate,
  readDate,
  readQuantityText,
  restrictionName,
} from '../../domain/inventory.ts';
import { QUANTITY_MAX, SKU_ID_CODE_POINTS_MAX } from '../../domain/limits.ts';
import { type LineDraft, skuIdFits } from '../../domain/lines.ts';
import { quoted } from '../quoted.ts';
import type { FeedRow } from '../rows.ts';
import {
  BACKORDER_DATE_CODES,
  BUYER_QUALIFIER,
  GTIN_QUALIFIERS,
  QUANTITY_CODES,
  restrictionOfStatus,
  SKU_ID_QUALIFIERS,
  STATUS_ALLOWED,
  STATUS_QUALIFIERS,
} from './codes.ts';
import type { ElementFault } from './received.ts';
import type { Segment } from './segments.ts';

/** An element that cannot be used, for the acknowledgement. */
export interface FaultyElement {
  readonly segment: Segment;
  readonly element: number;
  /** Its number in the X12 dictionary. */
  readonly reference: string;
  readonly code: ElementFault;
}

/** The columns of a row of results: the segment of its LIN, and what was read of it. */
export const ITEM_COLUMNS = [
  'segment',
  'sku_id',
  'upca',
  'ean13',
  'gtin14',
  'isbn',
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const;

/** A value that was read, and how good its source is: the lower the rank, the better. */
interface Ranked {
  readonly rank: number;
  readonly value: number;
  readonly text: string;
  readonly from: number;
}

/** One LIN and the segments that belong to it, as they are read. */
export class Item {
  readonly #lin: Segment;
  readonly #onFault: (fault: FaultyElement) => void;
  readonly #faults: string[] = [];
  readonly #sent: Record<string, string> = {};
  readonly #gtins: number[] = [];
  readonly #ranked = new Map<keyof Inventory, Ranked>();
  readonly #texts = new Map<string, Ranked>();
  #skuId: string | null = null;
  #restrictions: number | null | undefined;
  #namesSku = false;
  #namesFaultily = false;
  #setsField = false;

  constructor(lin: Segment, onFault: (fault: FaultyElement) => void) {
    this.#lin = lin;
    this.#onFault = onFault;
    this.#readIdentifiers();
  }

  /** Takes up a segment of the LIN's loop; those that say nothing here are passed over. */
  take(segment: Segment): void {
    switch (segment.elements[0]) {
      case 'QTY':
        this.#readQuantity(segment);
        break;
      case 'DTM':
        this.#readDate(segment);
        break;
      case 'SCH':
        this.#readSchedule(segment);
        break;
      case 'REF':
        this.#readStatus(segment);
        break;
      case undefined:
      default:
        break;
    }
  }

  /** The row, once all of its segments are taken. */
  row(): FeedRow {
    return { row: this.#lin.number, cells: this.#cells(), line: this.#line() };
  }

  #line(): LineDraft {
    if (!this.#namesSku) {
      const known = [...SKU_ID_QUALIFIERS, ...GTIN_QUALIFIERS].map(({ code }) => code).join(', ');
      this.#faults.push(`Segment ${this.#lin.number}: the LIN names no SKU by ${known}.`);
    }
    if (!this.#setsField) {
      const known = QUANTITY_CODES.map(({ code }) => `QTY*${code}`).join(', ');
      this.#faults.push(
        `Segment ${this.#lin.number}: the LIN sets nothing: none of ${known}, no date, no status belongs to it.`,
      );
    }
    const skuId = this.#skuId;
    const gtins = this.#gtins;
    if (this.#faults.length > 0) {
      const namesRead = this.#namesSku && !this.#namesFaultily;
      const message = this.#faults.join(' ');
      return { skuId, gtins, fields: {}, refusal: { message, namesRead } };
    }
    const fields = this.#fields();
    return gtins.length === 0
      ? { skuId, gtins, fields }
      : { skuId, gtins, fields, asSent: this.#sent };
  }

  #fields(): Partial<Inventory> {
    const fields: { -readonly [Name in keyof Inventory]?: Inventory[Name] } = {};
    for (const [field, { value }] of this.#ranked) fields[field] = value;
    if (this.#restrictions !== undefined) fields.restrictions = this.#restrictions;
    return fields;
  }

  #cells(): readonly string[] {
    const date = this.#ranked.get('backorderDate');
    return [
      String(this.#lin.number),
      this.#skuId ?? '',
      ...['upca', 'ean13', 'gtin14', 'isbn'].map((form) => this.#sent[form] ?? ''),
      this.#ranked.get('quantityInStock')?.text ?? '',
      this.#ranked.get('quantityOnBackorder')?.text ?? '',
      date === undefined ? '' : printDate(date.value),
      this.#restrictions === null ? 'NULL' : (restrictionName(this.#restrictions ?? null) ?? ''),
    ];
  }

  #readIdentifiers(): void {
    const given = this.#givenIdentifiers();
    for (const { code, form } of GTIN_QUALIFIERS) {
      const id = given.get(code);
      if (id !== undefined) this.#readGtin(form, id);
    }
    const own = SKU_ID_QUALIFIERS.map(({ code }) => given.get(code)).find((id) => id !== undefined);
    const id = own ?? (this.#namesSku ? undefined : given.get(BUYER_QUALIFIER.code));
    if (id !== undefined) this.#readSkuId(id);
  }

  /** By their qualifier: LIN02 and LIN03, LIN04 and LIN05, and so on. */
  #givenIdentifiers(): ReadonlyMap<string, GivenId> {
    const given = new Map<string, GivenId>();
    const { elements } = this.#lin;
    for (let at = 2; at < elements.length; at += 2) {
      const qualifier = elements[at] ?? '';
      const text = (elements[at + 1] ?? '').trimEnd();
      if (text === '' || !KNOWN_QUALIFIERS.has(qualifier)) continue;
      const other = given.get(qualifier);
      if (other !== undefined && other.text !== text) {
        this.#namesSku = this.#namesFaultily = true;
        this.#fault(
          this.#lin,
          at + 1,
          '234',
          '7',
          `${qualifier} is given twice, as ${quoted(other.text)} and ${quoted(text)}`,
        );
      }
      given.set(qualifier, { text, at: at + 1 });
    }
    return given;
  }

  #readGtin(form: (typeof GTIN_QUALIFIERS)[number]['form'], { text, at }: GivenId): void {
    this.#namesSku = true;
    this.#sent[form] ??= text;
    const reading = readGtin(form, text);
    if ('refusal' in reading) {
      this.#namesFaultily = true;
      const qualifier = this.#lin.elements[at - 1] ?? '';
      this.#fault(
        this.#lin,
        at,
        '234',
        '7',
        `${qualifier} (${form}) ${quoted(text)} ${reading.refusal}`,
      );
    } else if (!this.#gtins.includes(reading.gtin)) this.#gtins.push(reading.gtin);
  }

  #readSkuId({ text, at }: GivenId): void {
    this.#namesSku = true;
    if (skuIdFits(text)) {
      this.#skuId = text;
      this.#sent['sku_id'] = text;
      return;
    }
    this.#namesFaultily = true;
    this.#fault(
      this.#lin,
      at,
      '234',
      '5',
      `${quoted(text)} is too long; a sku_id has 1 to ${SKU_ID_CODE_POINTS_MAX} characters`,
    );
  }

  #readQuantity(segment: Segment): void {
    const qualifier = segment.elements[1] ?? '';
    const rank = QUANTITY_CODES.findIndex(({ code }) => code === qualifier);
    const code = QUANTITY_CODES[rank];
    if (code === undefined) return;
    this.#setQuantity(segment, 2, { field: code.field, rank, name: `QTY*${qualifier}` });
  }

  #setQuantity(
    segment: Segment,
    element: number,
    {
      field,
      rank,
      name,
    }: { readonly field: keyof Inventory; readonly rank: number; readonly name: string },
  ): void {
    this.#setsField = true;
    const text = (segment.elements[element] ?? '').trim();
    const value = readQuantityText(text);
    if (value === undefined) {
      const code = text === '' ? '1' : '6';
      this.#fault(
        segment,
        element,
        '380',
        code,
        `${name} is ${quoted(text)}, not a whole number from 0 to ${QUANTITY_MAX}`,
      );
      return;
    }
    const known = this.#texts.get(name);
    if (known !== undefined && known.value !== value) {
      this.#fault(
        segment,
        element,
        '380',
        '7',
        `${name} is ${value}, but segment ${known.from} says ${known.value}; one total for each item is needed`,
      );
      return;
    }
    const ranked = { rank, value, text, from: segment.number };
    this.#texts.set(name, ranked);
    this.#rank(field, ranked);
  }

  #rank(field: keyof Inventory, ranked: Ranked): void {
    const other = this.#ranked.get(field);
    if (other === undefined || ranked.rank < other.rank) this.#ranked.set(field, ranked);
  }

  #readDate(segment: Segment): void {
    const [, qualifier = '', date = '', , , format = '', period = ''] = segment.elements;
    const rank = BACKORDER_DATE_CODES.findIndex(({ code }) => code === qualifier);
    if (rank < 0) return;
    const isPeriod = date === '' && format === 'D8';
    this.#setDate(segment, isPeriod ? 6 : 2, isPeriod ? period : date, `DTM*${qualifier}`, rank);
  }

  #setDate(segment: Segment, element: number, text: string, name: string, rank: number): void {
    this.#setsField = true;
    const value = readCompactDate(text);
    if (value === undefined) {
      this.#fault(
        segment,
        element,
        '373',
        text === '' ? '1' : '8',
        `${name} is ${quoted(text)}, not a calendar date written ccyymmdd`,
      );
      return;
    }
    this.#rank('backorderDate', { rank, value, text, from: segment.number });
  }

  /** What comes next: the first schedule counts, and less than what QTY and DTM say. */
  #readSchedule(segment: Segment): void {
    const [, , , , , qualifier = '', date = ''] = segment.elements;
    if (!BACKORDER_DATE_CODES.some(({ code }) => code === qualifier)) return;
    if (this.#texts.has(SCHEDULE)) return;
    this.#setQuantity(segment, 1, {
      field: 'quantityOnBackorder',
      rank: SCHEDULE_RANK,
      name: SCHEDULE,
    });
    this.#setDate(segment, 6, date, `${SCHEDULE}*${qualifier}`, SCHEDULE_RANK);
  }

  #readStatus(segment: Segment): void {
    const [, qualifier = '', code = '', description = ''] = segment.elements;
    if (!STATUS_QUALIFIERS.some((known) => known.code === qualifier)) return;
    const found = [code, description].map(restrictionOfStatus).find((value) => value !== undefined);
    if (found !== undefined) {
      this.#setsField = true;
      this.#restrictions = found;
    } else if (qualifier === 'ACC') {
      // What is mutually defined may be anything; a status is one.
      this.#setsField = true;
      this.#fault(
        segment,
        2,
        '127',
        '7',
        `the status ${quoted(code)} is none of ${STATUS_ALLOWED}`,
      );
    }
  }

  #fault(
    segment: Segment,
    element: number,
    reference: string,
    code: ElementFault,
    reason: string,
  ): void {
    this.#faults.push(`Segment ${segment.number}: ${reason}.`);
    this.#onFault({ segment, element, reference, code });
  }
}

interface GivenId {
  readonly text: string;
  /** Its place in the LIN. */
  readonly at: number;
}

const KNOWN_QUALIFIERS: ReadonlySet<string> = new Set(
  [...SKU_ID_QUALIFIERS, BUYER_QUALIFIER, ...GTIN_QUALIFIERS].map(({ code }) => code),
);

const SCHEDULE = 'SCH';
const SCHEDULE_RANK = 100;

/** `20270131` as the number yyyymmdd. */
function readCompactDate(text: string): number | undefined {
  const parts = /^([0-9]{4})([0-9]{2})([0-9]{2})$/.exec(text);
  return parts === null ? undefined : readDate(parts.slice(1).join('-'));
}
