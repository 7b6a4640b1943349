/** How a supplier's files are read where they can be read in more than one way. */
import { OnhandError } from './errors.ts';
import { COLUMN_TARGETS, IGNORE, mappingTarget, type ColumnMapping } from './file-columns.ts';
import { QUANTITY_MAX } from './inventory.ts';

/** The rules that are a choice, by name, and what may be chosen. */
export const RULE_CHOICES = {
  /** What an uploaded table is. */
  kind: ['inventory', 'catalogue'],
  /** Several rows of one SKU with different quantities: add them up, or let the last row count. */
  locations: ['sum', 'last'],
  /** The decimal mark of numbers; the other of the two groups thousands. */
  decimal: ['comma', 'point'],
  /** The order of dates such as 03/04/2027. */
  dates: ['day_first', 'month_first'],
  /** What a quantity below zero is read as. */
  negative: ['zero'],
  /** Which identifier counts if the others of the row do not fit it. */
  identifiers: ['sku_id_first'],
} as const;

/** What separates the whole part of a number from its fraction; the other mark groups thousands. */
export type DecimalMark = (typeof RULE_CHOICES)['decimal'][number];

export type ChoiceName = keyof typeof RULE_CHOICES;
export const CHOICE_NAMES = [
  'kind',
  'locations',
  'decimal',
  'dates',
  'negative',
  'identifiers',
] as const satisfies readonly ChoiceName[];

type Choices = {
  readonly [Name in ChoiceName]: (typeof RULE_CHOICES)[Name][number] | null;
};

/**
 * How a file is read. A choice that is null was not made: where it matters, the sender is asked.
 */
export interface ReadingRules extends Choices {
  /** The supplier's own column names. They take precedence over names and aliases. */
  readonly columns: readonly ColumnMapping[];
  /** Quantities for words, by the word as `normalizedWord` writes it. */
  readonly words: ReadonlyMap<string, number>;
  /** Whether a row with any fault is refused completely. */
  readonly strict: boolean;
}

/** The rules of a supplier that has made no choice. */
export const NO_RULES: ReadingRules = {
  kind: null,
  columns: [],
  locations: null,
  decimal: null,
  dates: null,
  words: new Map(),
  negative: null,
  identifiers: null,
  strict: false,
};

/** The rules by the names under which they are given: in queries, forms, settings and options. */
export const RULE_NAMES = [
  'kind',
  'mapping',
  'locations',
  'decimal',
  'dates',
  'words',
  'negative',
  'identifiers',
  'strict',
] as const;
export type RuleName = (typeof RULE_NAMES)[number];

export const WORDS_MAX = 200;
export const COLUMN_MAPPINGS_MAX = 200;

/**
 * Reads one rule from its text, such as `sum` for `locations` or `in stock=10, 10+=10` for `words`.
 * Throws `parameter_invalid`, naming the rule, its value and what is allowed.
 */
export function parseRule(name: RuleName, text: string): Partial<ReadingRules> {
  if (name === 'mapping') return { columns: parseColumnMappings(text) };
  if (name === 'words') return { words: parseWords(text) };
  if (name === 'strict') return { strict: choiceOf(name, text, ['true', 'false']) === 'true' };
  return { [name]: choiceOf(name, text, RULE_CHOICES[name]) };
}

/** Reads several rules; a rule that is given twice takes the last. Throws as `parseRule` does. */
export function parseRules(
  texts: Iterable<readonly [name: RuleName, text: string]>,
): Partial<ReadingRules> {
  let rules: Partial<ReadingRules> = {};
  for (const [name, text] of texts) rules = { ...rules, ...parseRule(name, text) };
  return rules;
}

function choiceOf<Choice extends string>(
  name: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((known) => known === text.trim().toLowerCase());
  if (choice !== undefined) return choice;
  throw invalid(
    `${name}=${JSON.stringify(shown(text))} is not allowed; write ${choices.map((one) => `${name}=${one}`).join(' or ')}.`,
  );
}

/**
 * Reads `header=column,header=column`; an empty text maps nothing. A header that contains a comma or a
 * quote is written in double quotes, with inner quotes doubled. Throws `parameter_invalid`.
 */
export function parseColumnMappings(text: string): readonly ColumnMapping[] {
  const mappings = pairsOf(text).map(({ pair, key: header, value: name }) => {
    if (header === '' || name === '')
      throw invalid(`"${shown(pair)}" is not a column mapping; write header=column.`);
    const target = mappingTarget(name);
    if (target === undefined) {
      throw invalid(
        `"${shown(name)}" is not a column to map to; there are ${COLUMN_TARGETS.join(', ')}, and ${IGNORE}.`,
      );
    }
    return { header, target };
  });
  if (mappings.length > COLUMN_MAPPINGS_MAX)
    throw invalid(
      `A mapping has at most ${COLUMN_MAPPINGS_MAX} headers; this one has ${mappings.length}.`,
    );
  return mappings;
}

/**
 * Reads `word=quantity,word=quantity`, such as `in stock=10, 10+=10`; quoting is as in
 * `parseColumnMappings`. Throws `parameter_invalid`.
 */
export function parseWords(text: string): ReadonlyMap<string, number> {
  const words = new Map<string, number>();
  for (const { pair, key, value } of pairsOf(text)) {
    const word = normalizedWord(key);
    const quantity = /^[0-9]{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (word === '' || !(quantity <= QUANTITY_MAX)) {
      throw invalid(
        `"${shown(pair)}" is not a word and its quantity; write word=quantity, such as in stock=10, with a whole number from 0 to ${QUANTITY_MAX}.`,
      );
    }
    words.set(word, quantity);
  }
  if (words.size > WORDS_MAX)
    throw invalid(`words has at most ${WORDS_MAX} words; this has ${words.size}.`);
  return words;
}

/** A word as `ReadingRules.words` has it: in lower case, with single spaces and none around it. */
export function normalizedWord(word: string): string {
  return word.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
}

interface Pair {
  /** As written. */
  readonly pair: string;
  readonly key: string;
  /** The text behind the equals sign; without quotes, the last one. Empty if there is none. */
  readonly value: string;
}

/**
 * Splits a text into pairs at commas. A key in quotes may contain commas, and quotes that are doubled. A comma at
 * the end has an empty pair behind it. Takes linear time.
 */
function pairsOf(text: string): readonly Pair[] {
  if (text.trim() === '') return [];
  const pairs: Pair[] = [];
  for (let from = 0; from <= text.length;) {
    const { pair, end } = quotedPairAt(text, from) ?? plainPairAt(text, from);
    pairs.push(pair);
    from = end + 1;
  }
  return pairs;
}

interface PlacedPair {
  readonly pair: Pair;
  /** The place of the comma behind it. */
  readonly end: number;
}

/** Undefined if no key in quotes and an equals sign begin here. */
function quotedPairAt(text: string, from: number): PlacedPair | undefined {
  const open = placeOfInk(text, from);
  if (text[open] !== '"') return undefined;
  let close = text.indexOf('"', open + 1);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  const equals = close < 0 ? -1 : placeOfInk(text, close + 1);
  if (text[equals] !== '=') return undefined;
  const end = placeOfComma(text, equals);
  const key = text
    .slice(open + 1, close)
    .replaceAll('""', '"')
    .trim();
  const pair = text.slice(from, end).trim();
  return { pair: { pair, key, value: text.slice(equals + 1, end).trim() }, end };
}

function plainPairAt(text: string, from: number): PlacedPair {
  const end = placeOfComma(text, from);
  const pair = text.slice(from, end).trim();
  const equals = pair.lastIndexOf('=');
  const key = pair.slice(0, Math.max(equals, 0)).trim();
  return { pair: { pair, key, value: equals < 0 ? '' : pair.slice(equals + 1).trim() }, end };
}

function placeOfComma(text: string, from: number): number {
  const comma = text.indexOf(',', from);
  return comma < 0 ? text.length : comma;
}

/** The place of the first character that is no white space. */
function placeOfInk(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charAt(at).trim() === '') at += 1;
  return at;
}

/**
 * The rules for one file: those that its sender gave count before the supplier's saved ones. A saved
 * mapping gives way if the sender mapped its header or its column.
 */
export function rulesInForce(saved: ReadingRules, given: Partial<ReadingRules>): ReadingRules {
  const { columns: own = [] } = given;
  const isReplaced = (mapping: ColumnMapping): boolean =>
    own.some(
      ({ header, target }) =>
        header.toLowerCase() === mapping.header.toLowerCase() ||
        (target === mapping.target && target !== IGNORE),
    );
  const kept = saved.columns.filter((mapping) => !isReplaced(mapping));
  return { ...saved, ...given, columns: [...own, ...kept] };
}

/** The rules that say something, as `parseRule` reads them. */
export function printRules(rules: ReadingRules): Partial<Record<RuleName, string>> {
  const texts: Partial<Record<RuleName, string>> = {};
  for (const name of RULE_NAMES) {
    const text = printRule(name, rules);
    if (text !== '') texts[name] = text;
  }
  return texts;
}

function printRule(name: RuleName, rules: ReadingRules): string {
  if (name === 'mapping')
    return rules.columns.map(({ header, target }) => `${printKey(header)}=${target}`).join(',');
  if (name === 'words')
    return Array.from(rules.words, ([word, quantity]) => `${printKey(word)}=${quantity}`).join(',');
  if (name === 'strict') return rules.strict ? 'true' : '';
  return rules[name] ?? '';
}

/** A header or word as `pairsOf` reads it. */
export function printKey(key: string): string {
  return /[",]/.test(key) ? `"${key.replaceAll('"', '""')}"` : key;
}

const SHOWN_MAX = 64;

function shown(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX).toWellFormed()}…`;
}

function invalid(message: string): OnhandError {
  return new OnhandError('parameter_invalid', message);
}
