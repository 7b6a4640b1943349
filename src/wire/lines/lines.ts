import {
  CHANGE_ALLOWED,
  type Field,
  FIELDS,
  INVENTORY_MEMBERS,
  STOCK_CHANGE_MEMBER,
  QUANTITY_ALLOWED,
  quantitySchema,
  readChange,
  readQuantity,
} from '../inventory/inventory-fields.ts';
import {
  GTIN_MEMBERS,
  IDENTIFIERS,
  identifiersAsSent,
  readGtinMember,
  readOwnIdentifier,
  SKU_ID_SCHEMA,
} from './identifiers.ts';
import { time } from '../schema.ts';
import { Type } from 'typebox';
import type { Inventory } from '../../domain/inventory.ts';
import {
  SKU_ID_CODE_POINTS_MAX,
  type LineDraft,
  type Lines,
  LinesBuilder,
  skuIdFits,
} from '../../domain/lines.ts';
import { GTIN_FORMS, type GtinForm } from '../../domain/gtin.ts';
import { quoteValue, MemberErrors, notAllowed } from '../validation-messages.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { type AsOfOptions, readAsOf } from '../times.ts';
import { type NumberText, ObjectSource, ArraySource, type LineSource } from '../json-source.ts';

const oneOf = (members: object) => ({
  anyOf: Object.keys(members).map((member) => ({ required: [member] })),
});

const CONDITIONS_OF_LINE = {
  expected_quantity_in_stock: quantitySchema('Units that must be in stock before, else 412'),
  as_of: Type.Optional(
    time('The timestamp of the report; 412 if the inventory is newer. Precise to the microsecond.'),
  ),
  group: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: SKU_ID_CODE_POINTS_MAX,
      description: 'Adjacent lines with the same group succeed or fail together.',
    }),
  ),
};

/** The schema of a line. It describes; `LineReader` validates. */
export const LineSchema = Type.Object(
  {
    sku_id: Type.Optional(SKU_ID_SCHEMA),
    ...GTIN_MEMBERS,
    ...INVENTORY_MEMBERS,
    ...STOCK_CHANGE_MEMBER,
    ...CONDITIONS_OF_LINE,
  },
  {
    title: 'Line',
    description:
      'Names one SKU by one or more identifiers, and sets at least one inventory field. Fields left out stay as they are.',
    additionalProperties: false,
    allOf: [
      oneOf({ sku_id: SKU_ID_SCHEMA, ...GTIN_MEMBERS }),
      oneOf({ ...INVENTORY_MEMBERS, ...STOCK_CHANGE_MEMBER }),
    ],
    examples: [{ sku_id: 'xkuOwSQ3utl', quantity_in_stock: 512 }],
  },
);

export const BulkSchema = Type.Array(LineSchema, {
  title: 'Lines',
  description: 'Lines succeed or fail independently and take effect in the order sent.',
});

/** Lines that are read without a pause: some milliseconds of work. */
const SLICE_LINES = 2000;

/**
 * Reads the lines of a bulk update. A refused line keeps its place and the identifiers that could be read.
 * `text` is the JSON that `body` was parsed from. Yields after each slice, so that the caller can let other
 * requests run.
 */
export function* parsingLines(
  body: readonly unknown[],
  text: string,
  terms: AsOfOptions,
): Generator<undefined, Lines, undefined> {
  const builder = new LinesBuilder(body.length);
  const reader = new LineReader(
    new ArraySource(text),
    terms,
    new GroupNumbers({ areNamesUnique: true }),
  );
  for (const [i, value] of body.entries()) {
    if (i % SLICE_LINES === SLICE_LINES - 1) yield;
    builder.add(reader.read(value, i));
  }
  return builder.build();
}

/** Reads the lines of a bulk update without pauses. */
export function parseLines(body: readonly unknown[], text: string, terms: AsOfOptions): Lines {
  const parsing = parsingLines(body, text, terms);
  for (;;) {
    const step = parsing.next();
    if (step.done === true) return step.value;
  }
}

/** Reads the one line of a single update, as `parseLines` reads it in an array of its own. */
export function parseLine(line: JsonObject, text: string, terms: AsOfOptions): Lines {
  return parseLines([line], `[${text}]`, terms);
}

/**
 * Returns a reader of lines that arrive one by one, each with its own JSON: the lines of one file in order.
 */
export function jsonLineReader(terms: AsOfOptions): (value: unknown, text: string) => LineDraft {
  const source = new ObjectSource();
  const reader = new LineReader(source, terms, new GroupNumbers({ areNamesUnique: true }));
  return (value, text) => {
    source.text = text;
    return reader.read(value, 0);
  };
}

/** A line that is being read. */
interface Draft {
  skuId: string | null;
  readonly gtins: number[];
  readonly fields: { -readonly [Name in keyof Inventory]?: Inventory[Name] };
  asOfUs: number | undefined;
  expectedQuantity: number | null | undefined;
  stockChange: number | undefined;
  group: number | undefined;
  asSent: LineDraft['asSent'];
  groupName: string | undefined;
  /** Whether an identifier was given, valid or not; an invalid one; more than a textual `sku_id`. */
  namesSku: boolean;
  hasInvalidIdentifier: boolean;
  namesMore: boolean;
  /** Whether any field, the stock, or a stock change was given, valid or not. */
  setsField: boolean;
  setsStock: boolean;
  changesStock: boolean;
}

/** The context in which members are read. */
interface ReadContext {
  readonly numberText: NumberText;
  readonly terms: AsOfOptions;
  readonly groups: GroupNumbers;
}

/** Reads one member into the draft; returns the error message if it is invalid. */
type MemberReader = (draft: Draft, value: unknown, context: ReadContext) => string | undefined;

const MEMBERS: ReadonlyMap<string, MemberReader> = new Map([
  ['sku_id', readSkuId],
  ...GTIN_FORMS.map((form) => [form, gtinReader(form)] as const),
  ...FIELDS.map((field) => [field.name, fieldReader(field)] as const),
  ['quantity_in_stock_change', readStockChange],
  ['expected_quantity_in_stock', readExpectedQuantity],
  ['as_of', readLineAsOf],
  ['group', readGroup],
]);

const MEMBER_NAMES = [...MEMBERS.keys()];

const IDENTIFIER_MISSING = `The line names no SKU: give one or more of ${IDENTIFIERS.join(', ')}.`;

const FIELD_MISSING = `The line sets nothing: give one or more of ${FIELDS.map((field) => field.name).join(', ')}.`;

const SET_AND_CHANGED =
  'quantity_in_stock and quantity_in_stock_change cannot be given together: one sets what the other adds to.';

/** Reads lines in order. */
export class LineReader implements ReadContext {
  readonly terms: AsOfOptions;
  readonly groups: GroupNumbers;
  readonly numberText: NumberText;
  readonly #source: LineSource;
  #index = 0;

  constructor(source: LineSource, terms: AsOfOptions, groups: GroupNumbers) {
    this.terms = terms;
    this.groups = groups;
    this.#source = source;
    this.numberText = (name, value) => this.#source.numberText(this.#index, name, value);
  }

  read(line: unknown, index: number): LineDraft {
    this.#index = index;
    if (!isJsonObject(line)) {
      this.groups.endLine(undefined);
      return unreadableLine(notALineMessage(line));
    }
    const draft = emptyDraft(this.terms.asOfUs);
    const errors = this.#readMembers(draft, line);
    this.groups.endLine(draft.groupName);
    const isWhole = draft.namesSku && draft.setsField && !(draft.setsStock && draft.changesStock);
    if (errors === undefined && isWhole) {
      if (draft.namesMore) draft.asSent = identifiersAsSent(line, draft.skuId);
      return draft;
    }
    const sentences = [
      errors?.print(() => this.#source.members(index).keys()),
      draft.namesSku ? undefined : IDENTIFIER_MISSING,
      draft.setsField ? undefined : FIELD_MISSING,
      draft.setsStock && draft.changesStock ? SET_AND_CHANGED : undefined,
    ];
    return refused(draft, sentences.filter((sentence) => sentence !== undefined).join(' '));
  }

  #readMembers(draft: Draft, line: JsonObject): MemberErrors | undefined {
    let errors: MemberErrors | undefined;
    for (const name of Object.keys(line)) {
      const read = MEMBERS.get(name);
      const error = read?.(draft, line[name], this);
      if (read !== undefined && error === undefined) continue;
      errors ??= new MemberErrors(MEMBER_NAMES);
      if (error === undefined) errors.addUnknown(name);
      else errors.add(name, error);
    }
    return errors;
  }
}

function emptyDraft(asOfUs: number | undefined): Draft {
  return {
    skuId: null,
    gtins: [],
    fields: {},
    asOfUs,
    expectedQuantity: undefined,
    stockChange: undefined,
    group: undefined,
    asSent: undefined,
    groupName: undefined,
    namesSku: false,
    hasInvalidIdentifier: false,
    namesMore: false,
    setsField: false,
    setsStock: false,
    changesStock: false,
  };
}

/** The identifiers and group of a refused line. */
type Named = Pick<Draft, 'skuId' | 'gtins' | 'group' | 'namesSku' | 'hasInvalidIdentifier'>;

const NOTHING_NAMED: Named = {
  skuId: null,
  gtins: [],
  group: undefined,
  namesSku: false,
  hasInvalidIdentifier: false,
};

/** A line that is refused: it keeps its place, identifiers and group, and sets nothing. */
function refused(
  { skuId, gtins, group, namesSku, hasInvalidIdentifier }: Named,
  message: string,
): LineDraft {
  const refusal = { message, namesRead: namesSku && !hasInvalidIdentifier };
  return { skuId, gtins, group, fields: {}, refusal };
}

/** A refused line without readable identifiers. */
export function unreadableLine(message: string): LineDraft {
  return refused(NOTHING_NAMED, message);
}

/** The message for a line that is not an object. */
export function notALineMessage(value: unknown): string {
  return `A line is an object such as {"sku_id": "A-1", "quantity_in_stock": 5}; ${quoteValue(value)} is not.`;
}

function readSkuId(draft: Draft, value: unknown, { numberText }: ReadContext): string | undefined {
  draft.namesSku = true;
  const reading = readOwnIdentifier('sku_id', value, numberText);
  if (typeof reading !== 'string') {
    draft.hasInvalidIdentifier = true;
    return `sku_id ${reading.refusal}.`;
  }
  draft.skuId = reading;
  if (typeof value === 'number') draft.namesMore = true;
  return undefined;
}

function gtinReader(form: GtinForm): MemberReader {
  return (draft, value, { numberText }) => {
    const reading = readGtinMember(form, value, numberText);
    if (reading === undefined) return undefined;
    draft.namesSku = true;
    draft.namesMore = true;
    if ('refusal' in reading) {
      draft.hasInvalidIdentifier = true;
      return `${form} ${reading.refusal}.`;
    }
    if (!draft.gtins.includes(reading.gtin)) draft.gtins.push(reading.gtin);
    return undefined;
  };
}

function fieldReader({ name, field, read, allowed }: Field): MemberReader {
  const isStock = field === 'quantityInStock';
  return (draft, value) => {
    draft.setsField = true;
    if (isStock) draft.setsStock = true;
    const given = read(value);
    if (given === undefined) return notAllowed(name, allowed, value);
    draft.fields[field] = given;
    return undefined;
  };
}

function readStockChange(draft: Draft, value: unknown): string | undefined {
  draft.setsField = true;
  draft.changesStock = true;
  draft.stockChange = readChange(value);
  return draft.stockChange === undefined
    ? notAllowed('quantity_in_stock_change', CHANGE_ALLOWED, value)
    : undefined;
}

function readExpectedQuantity(draft: Draft, value: unknown): string | undefined {
  draft.expectedQuantity = readQuantity(value);
  return draft.expectedQuantity === undefined
    ? notAllowed('expected_quantity_in_stock', QUANTITY_ALLOWED, value)
    : undefined;
}

function readLineAsOf(draft: Draft, value: unknown, { terms }: ReadContext): string | undefined {
  const reading = readAsOf('as_of', value, terms);
  if (typeof reading === 'string') return reading;
  draft.asOfUs = reading;
  return undefined;
}

function readGroup(draft: Draft, value: unknown, { groups }: ReadContext): string | undefined {
  const reading = groups.read(value);
  if (typeof reading === 'string') return reading;
  draft.group = reading;
  if (typeof value === 'string') draft.groupName = value;
  return undefined;
}

const GROUP_ALLOWED = `a text of 1 to ${SKU_ID_CODE_POINTS_MAX} characters`;

/** Numbers the groups of lines from 1, in the order in which they begin. */
export class GroupNumbers {
  readonly #areNamesUnique: boolean;
  #count = 0;
  #numbers: Map<string, number> | undefined;
  #previousName: string | undefined;

  /**
   * @param areNamesUnique whether a name that returns after its group has ended is refused. A stream passes
   * false: each run of lines with one name is a group there, and no name is remembered.
   */
  constructor({ areNamesUnique }: { readonly areNamesUnique: boolean }) {
    this.#areNamesUnique = areNamesUnique;
  }

  /** The number of the group that the current line names, or the sentence that refuses the name. */
  read(name: unknown): number | string {
    if (typeof name !== 'string' || !skuIdFits(name)) {
      return notAllowed('group', GROUP_ALLOWED, name);
    }
    if (!this.#areNamesUnique) {
      if (name !== this.#previousName) this.#count += 1;
      return this.#count;
    }
    this.#numbers ??= new Map();
    const known = this.#numbers.get(name);
    if (known === undefined) {
      this.#count += 1;
      this.#numbers.set(name, this.#count);
      return this.#count;
    }
    if (name === this.#previousName) return known;
    return `group ${quoteValue(name)} ended before this line: the lines of a group must follow one another.`;
  }

  /** Ends a line; `name` is its group, undefined where it belongs to none. */
  endLine(name: string | undefined): void {
    this.#previousName = name;
  }
}
