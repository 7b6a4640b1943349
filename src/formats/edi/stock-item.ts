/** What one item of an EDI report says, and the rows that it becomes. */
import { GTIN_FORMS, readGtin, type GtinForm } from '../../domain/gtin.ts';
import {
  printDate,
  QUANTITY_MAX,
  readQuantityText,
  restrictionName,
  type Inventory,
} from '../../domain/inventory.ts';
import { skuIdFits } from '../../domain/lines.ts';
import type { ReadingRules } from '../../domain/reading-rules.ts';
import { quoted, RowDraft, SKU_ID_LENGTH, unsellableRow, type FileRow } from '../format.ts';
import { isUnsellable } from '../unsellable.ts';
import { placeQuantities, type Counted, type Placed, type PlaceToken } from './places.ts';
import { inUnits, isSingleUnit } from './units.ts';

/** The columns of a row in the results file: the number of its LIN and the values that were read. */
export const ITEM_COLUMNS = [
  'segment',
  'sku_id',
  ...GTIN_FORMS,
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
  'location',
] as const;

export type QuantityField = 'quantityInStock' | 'quantityOnBackorder';

/** A quantity as the file has it. */
export interface SentQuantity<At> {
  readonly field: QuantityField;
  /** If a field has several quantities, only those with the lowest rank count. */
  readonly rank: number;
  /** Its segment and qualifier as messages name them, such as `QTY*33`. */
  readonly name: string;
  readonly text: string;
  /** Its unit of measure as sent; empty if none was. */
  readonly unit: string;
  /** As `Counted.place`. */
  readonly place?: string | null | undefined;
  /** Where it is, to report a fault in it. */
  readonly at: At;
}

interface ReadQuantity<At> extends SentQuantity<At>, Counted {}

/** What is wrong with an element: it is missing, not a number, or a value that is not allowed. */
export type FaultKind = 'missing' | 'not a number' | 'not allowed';

export interface ItemFault<At> {
  readonly at: At;
  readonly part: 'quantity' | 'unit';
  readonly kind: FaultKind;
}

export interface ItemOptions<At extends { readonly number: number }> {
  /** The number of the item's first segment, which is that of its rows. */
  readonly number: number;
  /** The location of all quantities that have no other; null if unknown. */
  readonly place: string | null;
  /** What to send to say how many units a container holds, for messages. */
  readonly packingSegment: string;
  /** Whether a quantity below zero is read as zero. */
  readonly rules: Pick<ReadingRules, 'negative' | 'locations'>;
  /** Receives faults in quantities and units, for the acknowledgement. */
  readonly onFault: (fault: ItemFault<At>) => void;
}

/**
 * Collects what the segments of one item say and makes its rows. An item is one row, or one row per location
 * if its quantity in stock is known per location only.
 */
export class StockItem<At extends { readonly number: number }> {
  readonly #options: ItemOptions<At>;
  readonly #draft = new RowDraft();
  readonly #tokens: PlaceToken<ReadQuantity<At>>[] = [];
  #date: { readonly rank: number; readonly value: number } | null = null;
  /** Whether it had more quantities and locations than are kept. */
  #isTooLong = false;
  #packingUnits: number | null = null;
  /** Units of measure of the item, for quantities without one. */
  readonly #units = new Set<string>();
  #isContainer = false;

  constructor(options: ItemOptions<At>) {
    this.#options = options;
  }

  get hasIdentifier(): boolean {
    return this.#draft.hasIdentifier;
  }

  /** Adds a GTIN. Returns why the text cannot be one; undefined if it can. */
  addGtin(form: GtinForm, text: string): string | undefined {
    const sent = (this.#draft.asSent[form] ??= text);
    const reading = readGtin(form, text);
    if ('refusal' in reading) return reading.refusal;
    this.#draft.addGtin(form, reading.gtin, sent);
    // A GTIN of 14 digits that does not begin with zero identifies a container.
    this.#isContainer ||= reading.gtin >= 10_000_000_000_000;
    return undefined;
  }

  /**
   * Sets the `sku_id`, and others to try in order if no SKU has it. Returns why the text cannot be a `sku_id`;
   * undefined if it can.
   */
  setSkuId(text: string, others: readonly string[]): string | undefined {
    if (!skuIdFits(text)) return `is too long; ${SKU_ID_LENGTH}`;
    this.#draft.setSkuId(text);
    const alternatives = new Set(others.filter(skuIdFits));
    alternatives.delete(text);
    if (alternatives.size > 0) this.#draft.alternatives = [...alternatives];
    return undefined;
  }

  addIdentifierFault(message: string): void {
    this.#draft.addIdentifierFault(message);
  }

  addFieldFault(message: string): void {
    this.#draft.addFieldFault(message);
  }

  addQuantity(sent: SentQuantity<At>): void {
    const text = sent.text.trim();
    const isNegative = text.startsWith('-') && readQuantityText(text.slice(1)) !== undefined;
    const value =
      isNegative && this.#options.rules.negative === 'zero' ? 0 : readQuantityText(text);
    if (value === undefined) {
      const { name, at } = sent;
      const advice = isNegative ? '; send negative=zero to read quantities below zero as 0' : '';
      this.#refuse(
        at,
        `${name} is ${quoted(text)}, not a whole number from 0 to ${QUANTITY_MAX}${advice}`,
        { part: 'quantity', kind: text === '' ? 'missing' : 'not a number' },
      );
      return;
    }
    if (this.#tokens.length < TOKENS_MAX) this.#tokens.push({ quantity: { ...sent, text, value } });
    else if (!this.#isTooLong) {
      this.#isTooLong = true;
      const reason = `the item has more than ${TOKENS_MAX} quantities and locations`;
      this.#refuse(sent.at, reason, { part: 'quantity', kind: 'not allowed' });
    }
  }

  /** Adds a location, whose quantities come before or after it; null stands for all locations together. */
  addPlace(place: string | null): void {
    const last = this.#tokens.at(-1);
    // Two names in a row are one location, such as a warehouse and its address.
    if (last !== undefined && 'place' in last && last.place !== null) {
      if (place !== null && last.place.length + place.length < PLACE_CHARACTERS_MAX)
        this.#tokens[this.#tokens.length - 1] = { place: `${last.place} ${place}` };
    } else if (this.#tokens.length < TOKENS_MAX) this.#tokens.push({ place });
  }

  /** Forgets the last quantity. Returns its name; undefined if there is none. */
  dropLastQuantity(): string | undefined {
    const at = this.#tokens.findLastIndex((token) => 'quantity' in token);
    const [token] = at < 0 ? [] : this.#tokens.splice(at, 1);
    return token !== undefined && 'quantity' in token ? token.quantity.name : undefined;
  }

  /** Ties the last quantity to a location; null makes it the total of all locations. */
  placeLastQuantity(place: string | null): void {
    const at = this.#tokens.findLastIndex((token) => 'quantity' in token);
    const token = this.#tokens[at];
    if (token !== undefined && 'quantity' in token)
      this.#tokens[at] = { quantity: { ...token.quantity, place } };
  }

  /** Adds the unit of measure of the item's quantities that have none of their own. */
  addUnit(unit: string): void {
    if (unit !== '' && this.#units.size < ITEM_UNITS_MAX) this.#units.add(unit.toUpperCase());
  }

  /** How many units a container of this item holds. */
  setPackingUnits(units: number): void {
    this.#packingUnits = units;
  }

  /** The backorder date as yyyymmdd; of several, the one with the lowest rank counts. */
  addDate(rank: number, value: number): void {
    if (this.#date === null || rank < this.#date.rank) this.#date = { rank, value };
  }

  /** A restriction's code; null is unrestricted. */
  setRestriction(code: number | null): void {
    this.#draft.setField('restrictions', code);
  }

  /** The rows, after all segments were read. The callbacks say what is missing. */
  rows(noIdentifier: () => string, noField: () => string): readonly FileRow[] {
    const draft = this.#draft;
    const [first, ...others] = this.#readQuantities();
    const { fields = {}, place = this.#options.place } = first ?? {};
    for (const field of QUANTITY_FIELDS) {
      const value = fields[field];
      if (value !== undefined) draft.setField(field, value);
    }
    if (this.#date !== null) draft.setField('backorderDate', this.#date.value);
    const line = draft.build(noIdentifier, noField);
    const row = this.#row(draft.fields, place, line);
    if (line.refusal !== undefined) return [row];
    return [
      row,
      ...others.map((other) =>
        this.#row(other.fields, other.place, { ...line, fields: other.fields }),
      ),
    ];
  }

  #row(fields: Partial<Inventory>, place: string | null, line: FileRow['line']): FileRow {
    const { number } = this.#options;
    const { quantityInStock, quantityOnBackorder, backorderDate, restrictions } = fields;
    const { skuId, asSent } = this.#draft;
    const cells = [
      String(number),
      skuId ?? '',
      ...GTIN_FORMS.map((form) => asSent[form] ?? ''),
      String(quantityInStock ?? ''),
      String(quantityOnBackorder ?? ''),
      backorderDate === undefined || backorderDate === null ? '' : printDate(backorderDate),
      restrictions === null ? 'NULL' : (restrictionName(restrictions ?? null) ?? ''),
      place ?? '',
    ];
    if (place === null) return { row: number, cells, line };
    const row = { row: number, cells, line, location: place };
    return isUnsellable(place)
      ? unsellableRow(row, place, {
          place: `Segment ${number}, location`,
          keep: 'Send the stock that can be sold as the total of the item.',
          isSummed: this.#options.rules.locations === 'sum',
        })
      : row;
  }

  /** The quantities of each location, or the total if there is one; empty if the item has no quantity. */
  #readQuantities(): readonly LocatedFields[] {
    const placed = placeQuantities(this.#tokens);
    if (placed === null) {
      const { quantity } = this.#tokens.find((token) => 'quantity' in token) ?? {};
      if (quantity !== undefined)
        this.#refuse(
          quantity.at,
          'it is not clear which quantity is that of which location; send one total per item',
          { part: 'quantity', kind: 'not allowed' },
        );
      return [];
    }
    const byPlace = new Map<string | null, LocatedFields>();
    for (const field of QUANTITY_FIELDS) {
      for (const { quantity, place } of this.#counting(placed, field)) {
        const at = place ?? this.#options.place;
        const located = byPlace.get(at) ?? { place: at, fields: {} };
        byPlace.set(at, located);
        const value = this.#unitsOf(quantity);
        if (value !== undefined) located.fields[field] = value;
      }
    }
    return withTotals(byPlace);
  }

  /** The total of a field if it has one, else its quantities by location. */
  #counting(
    placed: readonly Placed<ReadQuantity<At>>[],
    field: QuantityField,
  ): readonly Placed<ReadQuantity<At>>[] {
    const found = placed.filter(({ quantity }) => quantity.field === field);
    const rank = Math.min(...found.map(({ quantity }) => quantity.rank));
    const best = found.filter(({ quantity }) => quantity.rank === rank);
    const totals = best.filter(({ place }) => place === null);
    return this.#distinct(totals.length > 0 ? totals : best);
  }

  /** One quantity per location. Refuses different quantities of one location. */
  #distinct(placed: readonly Placed<ReadQuantity<At>>[]): readonly Placed<ReadQuantity<At>>[] {
    const byPlace = new Map<string | null, Placed<ReadQuantity<At>>>();
    for (const one of placed) {
      const { quantity, place } = one;
      const known = byPlace.get(place)?.quantity;
      if (known === undefined) byPlace.set(place, one);
      else if (known.value !== quantity.value || known.unit !== quantity.unit) {
        const where = place === null ? '' : ` at ${quoted(place)}`;
        this.#refuse(
          quantity.at,
          `${quantity.name}${where} is ${quantity.value}, but segment ${known.at.number} says ${known.value}; send one total per item`,
          { part: 'quantity', kind: 'not allowed' },
        );
      }
    }
    return [...byPlace.values()];
  }

  #unitsOf({ name, value, unit: own, at }: ReadQuantity<At>): number | undefined {
    const [unit = '', other] = own === '' ? this.#units : [own];
    const fault = { part: 'unit', kind: 'not allowed' } as const;
    if (other !== undefined) {
      const units = `${quoted(unit, 40)} and ${quoted(other, 40)}`;
      this.#refuse(
        at,
        `${name} is ${value} without a unit, and the item has the units ${units}; send the unit of each quantity`,
        fault,
      );
      return undefined;
    }
    const converted = inUnits(value, unit, {
      units: this.#packingUnits,
      isContainer: this.#isContainer,
      segment: this.#options.packingSegment,
    });
    if ('value' in converted) return converted.value;
    this.#refuse(at, `${name} is ${value} ${converted.refusal}`, fault);
    return undefined;
  }

  #refuse(at: At, reason: string, fault: Omit<ItemFault<At>, 'at'>): void {
    this.#draft.addFieldFault(`Segment ${at.number}: ${reason}.`);
    this.#options.onFault({ at, ...fault });
  }
}

interface LocatedFields {
  readonly place: string | null;
  readonly fields: { quantityInStock?: number; quantityOnBackorder?: number };
}

/** The fields of each location. A field that is known as a total only is put into the first row. */
function withTotals(byPlace: ReadonlyMap<string | null, LocatedFields>): readonly LocatedFields[] {
  const totals = byPlace.get(null);
  const [first, ...others] = [...byPlace.values()].filter((located) => located !== totals);
  if (first === undefined) return totals === undefined ? [] : [totals];
  return [{ ...first, fields: { ...first.fields, ...totals?.fields } }, ...others];
}

/** Most quantities and locations of one item. */
const TOKENS_MAX = 10_000;
/** Units of an item that are kept: two already contradict each other. */
const ITEM_UNITS_MAX = 2;
/** Longest name of a location that several segments make up. */
const PLACE_CHARACTERS_MAX = 200;

const QUANTITY_FIELDS = ['quantityInStock', 'quantityOnBackorder'] as const;

/**
 * How many units a container holds: `inner` containers of `size` units each. Undefined if that cannot be
 * read or is not clear.
 */
export function packingUnits(inner: string, size: string, sizeUnit: string): number | undefined {
  const packs = readQuantityText(inner);
  const each =
    size !== '' && isSingleUnit(sizeUnit) && sizeUnit !== '' ? readQuantityText(size) : 1;
  if (packs === undefined || each === undefined || packs === 0 || each === 0) return undefined;
  // Six packs of six, or a pack of six that is described twice.
  if (packs > 1 && packs === each) return undefined;
  return packs * each;
}
