import { mod10CheckDigit } from '../../domain/gtin.ts';
import type { ReadingRules } from '../../domain/reading-rules.ts';
import { placeName } from '../edi/places.ts';
import { readCompactDate } from '../edi/report-date.ts';
import { packingUnits, StockItem, type ItemFault } from '../edi/stock-item.ts';
import { quoted, type FileRow } from '../format.ts';
import { restrictionOfStatus } from '../status-words.ts';
import {
  BACKORDER_DATE_CODES,
  GTIN_QUALIFIERS,
  LOCATION_QUALIFIERS,
  OTHER_ID_QUALIFIERS,
  QUANTITY_CODES,
  SKU_ID_QUALIFIERS,
  STATUS_ALLOWED,
  STATUS_QUALIFIERS,
  WITHOUT_CHECK_DIGIT,
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

/** Reads one LIN and the segments of its loop. */
export class Item {
  readonly #lin: Segment;
  readonly #onFault: (fault: FaultyElement) => void;
  readonly #stock: StockItem<Segment>;
  /** Qualifiers of the QTY segments that are not read, for messages. */
  readonly #unread = new Set<string>();
  #hasSchedule = false;
  /** Whether the segments are in a loop between LS and LE, which describes the QTY before it. */
  #isInLoop = false;

  /** @param place the location of the whole transaction set; null if it names none */
  constructor(
    lin: Segment,
    place: string | null,
    onFault: (fault: FaultyElement) => void,
    rules: Pick<ReadingRules, 'negative' | 'locations'>,
  ) {
    this.#lin = lin;
    this.#onFault = onFault;
    this.#stock = new StockItem({
      number: lin.number,
      place,
      packingSegment: 'PO4 with that number as PO401',
      rules,
      onFault: (fault) => this.#noteQuantity(fault),
    });
    this.#readIdentifiers();
  }

  /** Reads a segment of the LIN's loop. Segments that set nothing are ignored. */
  take(segment: Segment): void {
    switch (segment.elements[0] ?? '') {
      case 'QTY':
        return this.#readQuantity(segment);
      case 'SDQ':
        return this.#readDestinations(segment);
      case 'UIT':
        return this.#stock.addUnit(firstComponent(segment.elements[1] ?? '', segment));
      case 'PO4':
        return this.#readPacking(segment);
      case 'N1':
        return this.#readLocation(segment);
      case 'LS':
        this.#isInLoop = true;
        return;
      case 'LE':
        this.#isInLoop = false;
        return;
      case 'DTM':
        return this.#readDate(segment);
      case 'SCH':
        return this.#readSchedule(segment);
      case 'REF':
        return this.#readReference(segment);
      default:
    }
  }

  /** The rows, after all segments of the item were taken. */
  rows(): readonly FileRow[] {
    const { number } = this.#lin;
    return this.#stock.rows(
      () =>
        `Segment ${number}: the LIN names no SKU${this.#qualifiersSent()}; send one of ${IDENTIFIERS_KNOWN}.`,
      () =>
        `Segment ${number}: the LIN sets nothing${this.#quantitiesSent()}; send one of ${QUANTITIES_KNOWN}, a date or a status.`,
    );
  }

  #qualifiersSent(): string {
    const sent = this.#lin.elements.filter((text, at) => at >= 2 && at % 2 === 0 && text !== '');
    return sent.length === 0
      ? ''
      : `: it has only ${sent.map((text) => quoted(text, 40)).join(', ')}`;
  }

  #quantitiesSent(): string {
    if (this.#unread.size === 0) return '';
    const names = Array.from(this.#unread, (code) => quoted(`QTY*${code}`, 40));
    return `: it has only ${names.join(', ')}`;
  }

  #readIdentifiers(): void {
    const identifiers = this.#identifiers();
    for (const { code, form } of GTIN_QUALIFIERS) {
      const id = identifiers.get(code);
      if (id === undefined) continue;
      const text = code === WITHOUT_CHECK_DIGIT ? withCheckDigit(id.text) : id.text;
      const refusal = this.#stock.addGtin(form, text);
      if (refusal !== undefined)
        this.#identifierFault(id.at, '7', `${code} (${form}) ${quoted(id.text)} ${refusal}`);
    }
    const given = (qualifiers: typeof SKU_ID_QUALIFIERS): readonly LinIdentifier[] =>
      qualifiers.flatMap(({ code }) => identifiers.get(code) ?? []);
    const own = given(SKU_ID_QUALIFIERS);
    const [id, ...others] =
      own.length > 0 || this.#stock.hasIdentifier ? own : given(OTHER_ID_QUALIFIERS);
    if (id === undefined) return;
    const refusal = this.#stock.setSkuId(
      id.text,
      others.map(({ text }) => text),
    );
    if (refusal !== undefined) this.#identifierFault(id.at, '5', `${quoted(id.text)} ${refusal}`);
  }

  /** The identifiers by qualifier: LIN02 qualifies LIN03, LIN04 qualifies LIN05, and so on. */
  #identifiers(): ReadonlyMap<string, LinIdentifier> {
    const found = new Map<string, LinIdentifier>();
    const { elements } = this.#lin;
    for (let at = 2; at < elements.length; at += 2) {
      const qualifier = elements[at] ?? '';
      const text = (elements[at + 1] ?? '').trim();
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

  #readQuantity(segment: Segment): void {
    const [, qualifier = '', text = '', unit = ''] = segment.elements;
    const rank = QUANTITY_CODES.findIndex(({ code }) => code === qualifier.padStart(2, '0'));
    const code = QUANTITY_CODES[rank];
    if (code === undefined) {
      if (this.#unread.size < UNREAD_NAMED_MAX) this.#unread.add(qualifier);
      return;
    }
    this.#stock.addQuantity({
      field: code.field,
      rank,
      name: `QTY*${qualifier}`,
      text,
      unit: firstComponent(unit, segment),
      at: segment,
    });
  }

  /** SDQ01 is the unit; from SDQ03 on, locations and their quantities alternate. SDQ23 is no quantity. */
  #readDestinations(segment: Segment): void {
    const { elements } = segment;
    const unit = (elements[1] ?? '').trim();
    for (let at = 3; at < Math.min(elements.length, SDQ_PAIRS_END); at += 2) {
      const place = (elements[at] ?? '').trim();
      const text = elements[at + 1] ?? '';
      if (place === '' && text === '') continue;
      this.#stock.addQuantity({
        field: 'quantityInStock',
        rank: DESTINATION_RANK,
        name: 'SDQ',
        text,
        unit,
        place,
        at: segment,
      });
    }
  }

  /** PO401 inner packs of PO402 PO403 each; PO414 is how many units an inner pack has. */
  #readPacking(segment: Segment): void {
    const { elements } = segment;
    const [, packs = '', size = '', unit = ''] = elements;
    const perInner = elements[14] ?? '';
    const units =
      perInner === ''
        ? packingUnits(packs, size, firstComponent(unit, segment))
        : packingUnits(packs, perInner, 'EA');
    if (units !== undefined) this.#stock.setPackingUnits(units);
  }

  #readLocation({ elements }: Segment): void {
    const [, qualifier = '', name = '', , code = ''] = elements;
    if (!LOCATION_QUALIFIERS.some((known) => known.code === qualifier)) return;
    this.#addPlace(placeName(code, name));
  }

  #addPlace(place: string | null): void {
    if (this.#isInLoop) this.#stock.placeLastQuantity(place);
    else this.#stock.addPlace(place);
  }

  #readDate(segment: Segment): void {
    const [, qualifier = '', date = '', , , format = ''] = segment.elements;
    const rank = BACKORDER_DATE_CODES.findIndex(({ code }) => code === qualifier);
    if (rank < 0) return;
    const isPeriod = date === '' && format === 'D8';
    this.#addDate(segment, isPeriod ? 6 : 2, `DTM*${qualifier}`, rank);
  }

  #addDate(segment: Segment, element: number, name: string, rank: number): void {
    const text = segment.elements[element] ?? '';
    const value = readCompactDate(text);
    if (value !== undefined) return this.#stock.addDate(rank, value);
    const reason = `${name} is ${quoted(text)}, not a calendar date written ccyymmdd`;
    this.#fault(segment, element, '373', text === '' ? '1' : '8', reason);
  }

  /** The next delivery: the first schedule counts, unless QTY or DTM says the same. */
  #readSchedule(segment: Segment): void {
    const [, text = '', unit = '', , , qualifier = ''] = segment.elements;
    if (this.#hasSchedule || !BACKORDER_DATE_CODES.some(({ code }) => code === qualifier)) return;
    this.#hasSchedule = true;
    this.#stock.addQuantity({
      field: 'quantityOnBackorder',
      rank: SCHEDULE_RANK,
      name: SCHEDULE,
      text,
      unit: firstComponent(unit, segment),
      place: null,
      at: segment,
    });
    this.#addDate(segment, 6, `${SCHEDULE}*${qualifier}`, SCHEDULE_RANK);
  }

  #readReference(segment: Segment): void {
    const [, qualifier = '', code = '', description = ''] = segment.elements;
    if (!STATUS_QUALIFIERS.some((known) => known.code === qualifier)) return;
    const found = [code, description].map(restrictionOfStatus).find((value) => value !== undefined);
    if (found !== undefined) this.#stock.setRestriction(found);
    else if (qualifier === 'ACC') {
      // ACC must be a status; a mutually defined value may be anything.
      const reason = `the status ${quoted(code)} is none of ${STATUS_ALLOWED}`;
      this.#fault(segment, 2, '127', '7', reason);
    }
  }

  #noteQuantity({ at, part, kind }: ItemFault<Segment>): void {
    const isSchedule = at.elements[0] === SCHEDULE;
    const element = at.elements[0] === 'SDQ' ? 4 : isSchedule ? 1 : 2;
    const code = QUANTITY_FAULTS[kind];
    if (part === 'quantity') this.#onFault({ segment: at, element, reference: '380', code });
    else
      this.#onFault({
        segment: at,
        element: at.elements[0] === 'SDQ' ? 1 : element + 1,
        reference: '355',
        code,
      });
  }

  #fault(
    segment: Segment,
    element: number,
    reference: string,
    code: ElementFault,
    reason: string,
  ): void {
    this.#stock.addFieldFault(`Segment ${segment.number}: ${reason}.`);
    this.#onFault({ segment, element, reference, code });
  }

  #identifierFault(element: number, code: ElementFault, reason: string): void {
    this.#stock.addIdentifierFault(`Segment ${this.#lin.number}: ${reason}.`);
    this.#onFault({ segment: this.#lin, element, reference: '234', code });
  }
}

interface LinIdentifier {
  readonly text: string;
  /** Its position in the LIN. */
  readonly at: number;
}

const QUANTITY_FAULTS = { missing: '1', 'not a number': '6', 'not allowed': '7' } as const;

const QUALIFIERS_READ: ReadonlySet<string> = new Set(
  [...SKU_ID_QUALIFIERS, ...OTHER_ID_QUALIFIERS, ...GTIN_QUALIFIERS].map(({ code }) => code),
);

/** What a LIN may contain, for messages. */
const IDENTIFIERS_KNOWN = [...SKU_ID_QUALIFIERS, ...GTIN_QUALIFIERS]
  .map(({ code }) => code)
  .join(', ');
const QUANTITIES_KNOWN = QUANTITY_CODES.map(({ code }) => `QTY*${code}`).join(', ');

/** Most unknown qualifiers that a message names. */
const UNREAD_NAMED_MAX = 5;

/** The element after the last pair of an SDQ. */
const SDQ_PAIRS_END = 23;
/** A QTY beside an SDQ is the total. */
const DESTINATION_RANK = 90;
const SCHEDULE = 'SCH';
const SCHEDULE_RANK = 100;

/** A unit of measure may have components after its code. */
function firstComponent(text: string, { delimiters }: Segment): string {
  return (text.split(delimiters.component)[0] ?? '').trim();
}

/** Completes a UPC that lacks its check digit. */
function withCheckDigit(text: string): string {
  return /^[0-9]{11}$/.test(text) ? text + mod10CheckDigit(`${text}0`) : text;
}
