/** A supplier's saved reading rules as JSON. */
import { type Static, Type } from 'typebox';
import { OnhandError } from '../domain/errors.ts';
import { QUANTITY_MAX } from '../domain/inventory.ts';
import {
  CHOICE_NAMES,
  NO_RULES,
  normalizedWord,
  RULE_CHOICES,
  rulesInForce,
  WORDS_MAX,
  type ChoiceName,
  type ReadingRules,
} from '../domain/reading-rules.ts';
import { parseMappedColumns, printMappedColumns } from './file-jobs.ts';
import { isJsonObject } from './json.ts';

const choice = (name: ChoiceName) =>
  Type.Union([Type.String({ enum: [...RULE_CHOICES[name]] }), Type.Null()], {
    description: 'Null: ask where it matters.',
  });

const MEMBERS = {
  columns: Type.Record(Type.String(), Type.String(), {
    description: "The supplier's own names of columns, each mapped to a known column or `ignore`.",
    examples: [{ Lagerbestand: 'quantity_in_stock' }],
  }),
  kind: choice('kind'),
  locations: choice('locations'),
  decimal: choice('decimal'),
  dates: choice('dates'),
  words: Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: QUANTITY_MAX }), {
    description: 'Quantities for words.',
    examples: [{ 'in stock': 10 }],
  }),
  negative: choice('negative'),
  identifiers: choice('identifiers'),
  strict: Type.Boolean({ description: 'Refuse a row completely if any of its cells is wrong.' }),
};

export const FileSettingsSchema = Type.Object(MEMBERS, {
  title: 'FileSettings',
  additionalProperties: false,
});

export const FileSettingsChangeSchema = Type.Partial(Type.Object(MEMBERS), {
  title: 'FileSettingsChange',
  additionalProperties: false,
});

export function printFileSettings(rules: ReadingRules): string {
  const { columns, words, ...others } = rules;
  const printed: Static<typeof FileSettingsSchema> = {
    ...others,
    columns: printMappedColumns(columns),
    words: Object.fromEntries(words),
  };
  return JSON.stringify(printed);
}

/**
 * The rules after a change: each member that is given replaces the rule in `before`, and null resets it.
 * Throws `member_invalid`.
 */
export function parseFileSettings(body: unknown, before: ReadingRules): ReadingRules {
  const known = Object.keys(MEMBERS);
  if (!isJsonObject(body))
    throw invalid(`The body must be an object with some of ${known.join(', ')}.`);
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw invalid(
      `${JSON.stringify(unknown.slice(0, 64))} is not a setting; there are ${known.join(', ')}.`,
    );
  }
  const { columns, words, strict } = body;
  return {
    ...before,
    ...choicesOf(body),
    ...(columns !== undefined && { columns: columns === null ? [] : parseMappedColumns(columns) }),
    ...(words !== undefined && {
      words: words === null ? NO_RULES.words : parseWordMembers(words),
    }),
    ...(strict !== undefined && { strict: strictOf(strict) }),
  };
}

/**
 * The rules of a file after a change for it alone: as `parseFileSettings`, but its columns are those that are given, and the
 * others of the file. Throws `member_invalid`.
 */
export function parseFileRules(body: unknown, before: ReadingRules): ReadingRules {
  const { columns, ...others } = parseFileSettings(body, { ...before, columns: [] });
  return rulesInForce({ ...others, columns: before.columns }, { columns });
}

function choicesOf(body: Readonly<Record<string, unknown>>): Partial<ReadingRules> {
  let rules: Partial<ReadingRules> = {};
  for (const name of CHOICE_NAMES) {
    const value = body[name];
    if (value === undefined) continue;
    const choices: readonly string[] = RULE_CHOICES[name];
    const chosen = value === null ? null : choices.find((one) => one === value);
    if (chosen === undefined)
      throw invalid(
        `${name} must be ${choices.map((one) => JSON.stringify(one)).join(', ')} or null.`,
      );
    rules = { ...rules, [name]: chosen };
  }
  return rules;
}

function parseWordMembers(value: unknown): ReadonlyMap<string, number> {
  if (!isJsonObject(value))
    throw invalid('words must be an object of words and quantities, such as {"in stock": 10}.');
  const words = new Map<string, number>();
  for (const [key, quantity] of Object.entries(value)) {
    const word = normalizedWord(key);
    const isQuantity =
      typeof quantity === 'number' &&
      Number.isInteger(quantity) &&
      quantity >= 0 &&
      quantity <= QUANTITY_MAX;
    if (word === '' || !isQuantity) {
      throw invalid(
        `words: ${JSON.stringify(key.slice(0, 64))} needs a whole number from 0 to ${QUANTITY_MAX}.`,
      );
    }
    words.set(word, quantity);
  }
  if (words.size > WORDS_MAX) throw invalid(`words has at most ${WORDS_MAX} words.`);
  return words;
}

function strictOf(value: unknown): boolean {
  if (value === null) return NO_RULES.strict;
  if (typeof value === 'boolean') return value;
  throw invalid('strict must be true or false.');
}

function invalid(message: string): OnhandError {
  return new OnhandError('member_invalid', message);
}
