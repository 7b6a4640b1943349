import { quoted } from '../format.ts';
import { wordRule } from './quantities.ts';

/** Why a cell is not read as written, and the sentence about its column. */
const NOTES = {
  word: (column, values, words) =>
    `${column} has words instead of quantities: ${values}. To read them, send words=${words.join(',')}, with a quantity for each N.`,
  negative: (column, values) =>
    `${column} has quantities below zero: ${values}. To read them as 0, send negative=zero.`,
  status: (column, values) =>
    `${column} has a status that is not known and was ignored: ${values}.`,
  unit: (column, values) =>
    `${column} has a unit of measure that is not known; its quantities count as single units: ${values}.`,
  unsellable: (column, values) =>
    `${column} has stock that cannot be sold, which is left out: ${values}.`,
  contradiction: (column, values) =>
    `${column} has quantities in rows whose status is out of stock; their stock was set to 0: ${values}.`,
  date: (column, values) => `${column} has a date that cannot be read and was ignored: ${values}.`,
  placeholder: (column, values) => `${column} has values that stand for none: ${values}.`,
  identifier: (column, values) =>
    `${column} has identifiers that cannot be read and were ignored, since the sku_id counts first: ${values}.`,
} as const satisfies Readonly<
  Record<string, (column: string, values: string, words: readonly string[]) => string>
>;

export type NoteKind = keyof typeof NOTES;

/** Different values that are named per column. */
const VALUES_NAMED_MAX = 10;

interface Counted {
  rows: number;
  readonly first: number;
}

interface Counts {
  readonly kind: NoteKind;
  readonly header: string;
  /** How many rows have each value, and the first of them. */
  readonly values: Map<string, Counted>;
  otherRows: number;
}

/** What was read otherwise than written in the rows of a file, by column and value. */
export class ReadingNotes {
  readonly #counts = new Map<string, Counts>();

  add(kind: NoteKind, header: string, value: string, row: number): void {
    const key = `${kind} ${header}`;
    const counts: Counts = this.#counts.get(key) ?? {
      kind,
      header,
      values: new Map<string, Counted>(),
      otherRows: 0,
    };
    this.#counts.set(key, counts);
    const known = counts.values.get(value);
    if (known !== undefined) known.rows += 1;
    else if (counts.values.size < VALUES_NAMED_MAX)
      counts.values.set(value, { rows: 1, first: row });
    else counts.otherRows += 1;
  }

  /** One sentence per kind and column, each value with its number of rows. */
  sentences(): readonly string[] {
    return Array.from(this.#counts.values(), ({ kind, header, values, otherRows }) => {
      const named = Array.from(
        values,
        ([value, { rows, first }]) =>
          `${quoted(value)} (${rows === 1 ? `row ${first}` : `${rows} rows, first row ${first}`})`,
      );
      if (otherRows > 0) named.push(`and others (${otherRows} rows)`);
      const words = Array.from(values.keys(), wordRule);
      return NOTES[kind](`Column ${quoted(header)}`, named.join(', '), words);
    });
  }
}
