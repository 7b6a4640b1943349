/** The options of `onhand push` that say how a file is read. */
import { InvalidArgumentError, Option } from 'commander';
import { OnhandError } from '../../domain/errors.ts';
import {
  parseRule,
  RULE_CHOICES,
  RULE_NAMES,
  type ChoiceName,
  type RuleName,
} from '../../domain/reading-rules.ts';

/** The reading rules of a command line, in the text form of an upload's parameters. */
export interface ReadingOptions {
  readonly catalogue?: true;
  readonly kind?: string;
  readonly map?: string;
  readonly locations?: string;
  readonly decimal?: string;
  readonly dates?: string;
  readonly words?: string;
  readonly negative?: string;
  readonly identifiers?: string;
  readonly strict?: boolean;
}

/** The options by the rule that each sets. */
const OPTION_NAMES = {
  kind: 'kind',
  mapping: 'map',
  locations: 'locations',
  decimal: 'decimal',
  dates: 'dates',
  words: 'words',
  negative: 'negative',
  identifiers: 'identifiers',
  strict: 'strict',
} as const satisfies Record<RuleName, keyof ReadingOptions>;

/** The option that sets a rule, such as `--map` for `mapping`. */
export function optionOf(rule: string): `--${string}` {
  const known = RULE_NAMES.find((name) => name === rule);
  return `--${known === undefined ? rule : OPTION_NAMES[known]}`;
}

/** The options that say how a file is read. Their values are checked as the server checks them. */
export function readingOptions(): readonly Option[] {
  return [
    choice('kind', 'kind', 'what the file is (default: inventory, except a product file)'),
    new Option('--catalogue', 'the file is a catalogue: it creates and updates SKUs').implies({
      kind: 'catalogue',
    }),
    list('mapping', '<header=column,…>', 'what columns are read as; ignore leaves one out'),
    choice('locations', 'rule', 'several rows of one SKU: add them up, or the last one counts'),
    ...cellOptions(),
    choice('identifiers', 'rule', 'the sku_id counts if the other identifiers do not fit'),
    new Option('--strict', 'reject a row completely if any of its cells is wrong'),
    new Option('--no-strict', 'only reject what cannot be read, even if --strict is saved'),
  ];
}

/** Those that say how a cell is read, in a catalogue too. */
export function cellOptions(): readonly Option[] {
  return [
    choice('decimal', 'mark', 'what begins the fraction of a number'),
    choice('dates', 'order', 'the order of dates such as 03/04/2027'),
    list('words', '<word=quantity,…>', 'quantities for words, such as "in stock=10,10+=10"'),
    choice('negative', 'rule', 'read quantities below zero as zero'),
  ];
}

function choice(rule: ChoiceName, value: string, description: string): Option {
  return new Option(`${optionOf(rule)} <${value}>`, description).choices(RULE_CHOICES[rule]);
}

/** An option that may be given several times. */
function list(rule: 'mapping' | 'words', form: string, description: string): Option {
  return new Option(`${optionOf(rule)} ${form}`, description).argParser(
    (text, before: string | undefined) =>
      checked(rule, before === undefined ? text : `${before},${text}`),
  );
}

function checked(rule: RuleName, text: string): string {
  try {
    parseRule(rule, text);
    return text;
  } catch (error) {
    if (error instanceof OnhandError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** The rules as parameters of an upload. */
export function ruleParameters(options: ReadingOptions): Partial<Record<RuleName, string>> {
  const parameters: Partial<Record<RuleName, string>> = {};
  for (const rule of RULE_NAMES) {
    const value = options[OPTION_NAMES[rule]];
    if (value !== undefined) parameters[rule] = String(value);
  }
  return parameters;
}
