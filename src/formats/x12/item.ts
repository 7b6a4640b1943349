import { GTIN_FORMS, readGtin, type GtinForm } from '../../domain/gtin.ts';
import {
  printDate,
  readDate,
  readQuantityText,
  restrictionName,
  type Inventory,
  QUANTITY_MAX,
} from '../../domain/inventory.ts';
import { skuIdFits } from '../../domain/lines.ts';
import { quoted, RowDraft, SKU_ID_LENGTH, type FileRow } from '../format.ts';
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
import type { ElementFault } from './envelope.ts';
import type { Segment } from './segments.ts';

/** An element that cannot be used, for the acknowledgement. */
export interface FaultyElement {
  readonly segment: Segment;
  readonly element: number;
  /** Its number in the X12 dictionary. */
  readonly reference: string;
  readonly code: ElementFault;
}

/** The columns of a row in the results file: the number of its LIN and the values that were read. */
export const ITEM_COLUMNS = [
  'segment',
  'sku_id',
  ...GTIN_FORMS,
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const;

/** A value and the rank of its source: the value with the lowest rank counts. */
interface Ranked {
  readonly rank: number;
  readonly value: number;
  readonly text: string;
  /** The number of the segment. */
  readonly from: number;
}

/** Reads one LIN and the segments of its loop. */
export class Item {
  readonly #lin: Segment;
  readonly #onFault: (fault: FaultyElement) => void;
  readonly #draft = new RowDraft();
  /** The best value of each field so far. */
  readonly #ranked = new Map<keyof Inventory, Ranked>();
  /** The values by qualifier, to find contradictions. */
  readonly #quantities = new Map<string, Ranked>();

  constructor(lin: Segment, onFault: (fault: FaultyElement) => void) {
    this.#lin = lin;
    this.#onFault = onFault;
    this.#readIdentifiers();
  }

  /** Reads a segment of the LIN's loop. Segments that set nothing are ignored. */
  take(segment: Segment): void {
    const name = segment.elements[0];
    if (name === 'QTY') this.#readQuantity(segment);
    else if (name === 'DTM') this.#readDate(segment);
    else if (name === 'SCH') this.#readSchedule(segment);
    else if (name === 'REF') this.#readStatus(segment);
  }

  /** The row, after all its segments were taken. */
  row(): FileRow {
    for (const [field, { value }] of this.#ranked) this.#draft.setField(field, value);
    const { number } = this.#lin;
    const line = this.#draft.build(
      () => `Segment ${number}: the LIN names no SKU by ${IDENTIFIERS_KNOWN}.`,
      () =>
        `Segment ${number}: the LIN sets nothing; send one of ${QUANTITIES_KNOWN}, a date or a status.`,
    );
    return { row: number, cells: this.#cells(), line };
  }

  #cells(): readonly string[] {
    const date = this.#ranked.get('backorderDate');
    const { restrictions } = this.#draft.fields;
    return [
      String(this.#lin.number),
      this.#draft.skuId ?? '',
      ...GTIN_FORMS.map((form) => this.#draft.asSent[form] ?? ''),
      this.#ranked.get('quantityInStock')?.text ?? '',
      this.#ranked.get('quantityOnBackorder')?.text ?? '',
      date === undefined ? '' : printDate(date.value),
      restrictions === null ? 'NULL' : (restrictionName(restrictions ?? null) ?? ''),
    ];
  }

  #readIdentifiers(): void {
    const identifiers = this.#identifiers();
    for (const { code, form } of GTIN_QUALIFIERS) {
      const id = identifiers.get(code);
      if (id !== undefined) this.#readGtin(form, id);
    }
    const own = SKU_ID_QUALIFIERS.map(({ code }) => identifiers.get(code)).find(Boolean);
    const buyers = this.#draft.hasIdentifier ? undefined : identifiers.get(BUYER_QUALIFIER.code);
    const id = own ?? buyers;
    if (id !== undefined) this.#readSkuId(id);
  }

  /** The identifiers by qualifier: LIN02 qualifies LIN03, LIN04 qualifies LIN05, and so on. */
  #identifiers(): ReadonlyMap<string, LinIdentifier> {
    const found = new Map<string, LinIdentifier>();
    const { elements } = this.#lin;
    for (let at = 2; at < elements.length; at += 2) {
      const qualifier = elements[at] ?? '';
      const text = (elements[at + 1] ?? '').trimEnd();
      if (text === '' || !QUALIFIERS_READ.has(qualifier)) continue;
      const other = found.get(qualifier);
      if (other !== undefined && other.text !== text)
        this.#identifierFault(
          at + 1,
          '7',
          `${qualifier} is given twice, as ${quoted(other.text)} and ${quoted(text)}`,
        );
      found.set(qualifier, { text, at: at + 1 });
    }
    return found;
  }

  #readGtin(form: GtinForm, { text, at }: LinIdentifier): void {
    const sent = (this.#draft.asSent[form] ??= text);
    const reading = readGtin(form, text);
    if ('gtin' in reading) return this.#draft.addGtin(form, reading.gtin, sent);
    const qualifier = this.#lin.elements[at - 1] ?? '';
    this.#identifierFault(at, '7', `${qualifier} (${form}) ${quoted(text)} ${reading.refusal}`);
  }

  #readSkuId({ text, at }: LinIdentifier): void {
    if (skuIdFits(text)) this.#draft.setSkuId(text);
    else this.#identifierFault(at, '5', `${quoted(text)} is too long; ${SKU_ID_LENGTH}`);
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
    const known = this.#quantities.get(name);
    if (known !== undefined && known.value !== value) {
      this.#fault(
        segment,
        element,
        '380',
        '7',
        `${name} is ${value}, but segment ${known.from} says ${known.value}; send one total per item`,
      );
      return;
    }
    const ranked = { rank, value, text, from: segment.number };
    this.#quantities.set(name, ranked);
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

  /** The next delivery: the first schedule counts, unless QTY or DTM says the same. */
  #readSchedule(segment: Segment): void {
    const [, , , , , qualifier = '', date = ''] = segment.elements;
    if (!BACKORDER_DATE_CODES.some(({ code }) => code === qualifier)) return;
    if (this.#quantities.has(SCHEDULE)) return;
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
    if (found !== undefined) this.#draft.setField('restrictions', found);
    else if (qualifier === 'ACC') {
      // ACC must be a status; a mutually defined value may be anything.
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
    this.#draft.addFieldFault(`Segment ${segment.number}: ${reason}.`);
    this.#onFault({ segment, element, reference, code });
  }

  #identifierFault(element: number, code: ElementFault, reason: string): void {
    this.#draft.addIdentifierFault(`Segment ${this.#lin.number}: ${reason}.`);
    this.#onFault({ segment: this.#lin, element, reference: '234', code });
  }
}

interface LinIdentifier {
  readonly text: string;
  /** Its position in the LIN. */
  readonly at: number;
}

const QUALIFIERS_READ: ReadonlySet<string> = new Set(
  [...SKU_ID_QUALIFIERS, BUYER_QUALIFIER, ...GTIN_QUALIFIERS].map(({ code }) => code),
);

/** What a LIN may contain, for messages. */
const IDENTIFIERS_KNOWN = [...SKU_ID_QUALIFIERS, ...GTIN_QUALIFIERS]
  .map(({ code }) => code)
  .join(', ');
const QUANTITIES_KNOWN = QUANTITY_CODES.map(({ code }) => `QTY*${code}`).join(', ');

const SCHEDULE = 'SCH';
const SCHEDULE_RANK = 100;

/** Reads `20270131` as the number yyyymmdd. */
function readCompactDate(text: string): number | undefined {
  const parts = /^([0-9]{4})([0-9]{2})([0-9]{2})$/.exec(text);
  return parts === null ? undefined : readDate(parts.slice(1).join('-'));
}
