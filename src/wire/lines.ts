import { GTIN_FORMS, type GtinForm } from '../domain/gtin.ts';
import type { Inventory } from '../domain/inventory.ts';
import { LinesBuilder, type Lines } from '../domain/lines.ts';
import { echo } from './echo.ts';
import { Faults } from './faults.ts';
import { FIELDS, notAllowed, type Field } from './fields.ts';
import { IDENTIFIERS, readGtinMember, readOwnIdentifier } from './identifiers.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { WrittenLines, type NumberText } from './written.ts';

/** The lines of a request, read: each is either among `lines` or among `refusals`. */
export interface ParsedLines {
  /** The readable ones, in the order sent. */
  readonly lines: Lines;
  /** For each of `lines`, its place in the request, counted from 0. */
  readonly positions: Uint32Array;
  /** Why the others were refused (400), by their place in the request. */
  readonly refusals: ReadonlyMap<number, string>;
}

/** How many lines are read or printed at a stretch: some milliseconds. */
export const SLICE_LINES = 5000;

/**
 * Reads the lines of a bulk update. `text` is the JSON that `body` was parsed from. Yields after each slice,
 * so that whoever runs it can let others have a turn.
 */
export function* parsingLines(
  body: readonly unknown[],
  text: string,
): Generator<undefined, ParsedLines, undefined> {
  const builder = new LinesBuilder(body.length);
  const positions = new Uint32Array(body.length);
  const refusals = new Map<number, string>();
  const written = new WrittenLines(text);
  for (const [i, value] of body.entries()) {
    if (i % SLICE_LINES === SLICE_LINES - 1) yield;
    const reading = readLine(value, written, i);
    if (typeof reading === 'string') {
      refusals.set(i, reading);
    } else {
      positions[builder.count] = i;
      builder.add(reading);
    }
  }
  return { lines: builder.build(), positions: positions.slice(0, builder.count), refusals };
}

/** Reads the lines of a bulk update at a stretch. */
export function parseLines(body: readonly unknown[], text: string): ParsedLines {
  const parsing = parsingLines(body, text);
  for (;;) {
    const step = parsing.next();
    if (step.done === true) return step.value;
  }
}

/** Reads the one line of a single update, as `parseLines` reads it in an array of its own. */
export function parseLine(line: JsonObject, text: string): ParsedLines {
  return parseLines([line], `[${text}]`);
}

/** A line as far as it is read. */
interface Draft {
  skuId: string | null;
  readonly gtins: number[];
  readonly fields: { -readonly [Name in keyof Inventory]?: Inventory[Name] };
  /** Whether an identifier or a field was given, be it a faulty one. */
  namesSku: boolean;
  setsField: boolean;
}

/** Reads one member into the draft; gives the sentence that refuses it, if any. */
type MemberReader = (draft: Draft, value: unknown, numberText: NumberText) => string | undefined;

const MEMBERS: ReadonlyMap<string, MemberReader> = new Map([
  ['sku_id', readSkuId],
  ...GTIN_FORMS.map((form) => [form, gtinReader(form)] as const),
  ...FIELDS.map((field) => [field.name, fieldReader(field)] as const),
]);
const MEMBER_NAMES = [...MEMBERS.keys()];

const IDENTIFIER_MISSING = `The line names no SKU: give one or more of ${IDENTIFIERS.join(', ')}.`;
const FIELD_MISSING = `The line sets nothing: give one or more of ${FIELDS.map((field) => field.name).join(', ')}.`;

/** Line `i`, or the message that refuses it. */
function readLine(line: unknown, written: WrittenLines, i: number): Draft | string {
  if (!isJsonObject(line)) {
    return `A line is an object such as {"sku_id": "A-1", "quantity_in_stock": 5}; ${echo(line)} is not.`;
  }
  const draft: Draft = { skuId: null, gtins: [], fields: {}, namesSku: false, setsField: false };
  const numberText: NumberText = (name, value) => written.numberText(i, name, value);
  let faults: Faults | undefined;
  for (const name of Object.keys(line)) {
    const read = MEMBERS.get(name);
    const fault = read?.(draft, line[name], numberText);
    if (read !== undefined && fault === undefined) continue;
    faults ??= new Faults(MEMBER_NAMES);
    if (fault === undefined) faults.addUnknown(name);
    else faults.add(name, fault);
  }
  if (faults === undefined && draft.namesSku && draft.setsField) return draft;
  return [
    faults?.print(() => written.members(i).keys()),
    draft.namesSku ? undefined : IDENTIFIER_MISSING,
    draft.setsField ? undefined : FIELD_MISSING,
  ]
    .filter((part) => part !== undefined)
    .join(' ');
}

function readSkuId(draft: Draft, value: unknown, numberText: NumberText): string | undefined {
  draft.namesSku = true;
  const reading = readOwnIdentifier('sku_id', value, numberText);
  if (typeof reading !== 'string') return `sku_id ${reading.refusal}.`;
  draft.skuId = reading;
  return undefined;
}

function gtinReader(form: GtinForm): MemberReader {
  return (draft, value, numberText) => {
    const reading = readGtinMember(form, value, numberText);
    if (reading === undefined) return undefined;
    draft.namesSku = true;
    if ('refusal' in reading) return `${form} ${reading.refusal}.`;
    if (!draft.gtins.includes(reading.gtin)) draft.gtins.push(reading.gtin);
    return undefined;
  };
}

function fieldReader({ name, field, read, allowed }: Field): MemberReader {
  return (draft, value) => {
    draft.setsField = true;
    const given = read(value);
    if (given === undefined) return notAllowed(name, allowed, value);
    draft.fields[field] = given;
    return undefined;
  };
}
