import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  NO_RULES,
  parseColumnMappings,
  parseRule,
  parseRules,
  parseWords,
  printRules,
  RULE_NAMES,
  rulesInForce,
  type ReadingRules,
  type RuleName,
} from '../../src/domain/reading-rules.ts';
import { textMatching } from '../matching.ts';

describe('a rule', () => {
  test.for<[RuleName, string, Partial<ReadingRules>]>([
    ['kind', 'catalogue', { kind: 'catalogue' }],
    ['locations', ' SUM ', { locations: 'sum' }],
    ['decimal', 'comma', { decimal: 'comma' }],
    ['dates', 'day_first', { dates: 'day_first' }],
    ['negative', 'zero', { negative: 'zero' }],
    ['identifiers', 'sku_id_first', { identifiers: 'sku_id_first' }],
    ['strict', 'true', { strict: true }],
    ['strict', 'false', { strict: false }],
    [
      'words',
      'In  Stock=10, 10+=10',
      {
        words: new Map([
          ['in stock', 10],
          ['10+', 10],
        ]),
      },
    ],
    ['mapping', 'Misc=ignore', { columns: [{ header: 'Misc', target: 'ignore' }] }],
  ])('%s=%s is read', ([name, text, expected]) => {
    expect(parseRule(name, text)).toEqual(expected);
  });

  test.for<[RuleName, string, RegExp]>([
    [
      'locations',
      'all',
      /^locations="all" is not allowed; write locations=sum or locations=last\.$/,
    ],
    ['strict', 'yes', /strict=true or strict=false/],
    ['words', 'many', /^"many" is not a word and its quantity; write word=quantity/],
    ['words', 'many=x', /whole number from 0 to 2147483647/],
    ['words', 'many=2147483648', /whole number from 0 to 2147483647/],
    ['words', '=3', /"=3" is not a word/],
    ['mapping', 'a=upc', /"upc" is not a column to map to; there are .*, and ignore\./],
  ])('%s=%s is refused, and the message says what is allowed', ([name, text, message]) => {
    expect(() => parseRule(name, text)).toThrow(
      expect.objectContaining({ code: 'parameter_invalid', message: textMatching(message) }),
    );
  });

  test('with too many words or headers is refused', () => {
    const many = Array.from({ length: 201 }, (_, i) => i);
    expect(() => parseWords(many.map((i) => `w${i}=1`).join(','))).toThrow(/at most 200 words/);
    expect(() => parseColumnMappings(many.map((i) => `h${i}=isbn`).join(','))).toThrow(
      /at most 200 headers/,
    );
  });
});

describe('a mapping', () => {
  test.for<[text: string, header: string]>([
    ['"Qty, NJ"=quantity_in_stock', 'Qty, NJ'],
    ['"The ""best"" jar" = quantity_in_stock ', 'The "best" jar'],
    ['"best" jar=quantity_in_stock', '"best" jar'],
    ['24" shelf=quantity_in_stock', '24" shelf'],
  ])('%s names the header %s', ([text, header]) => {
    expect(parseColumnMappings(text)).toEqual([{ header, target: 'quantity_in_stock' }]);
  });
});

/** What the pairs of a rule are: a clear grammar, but too slow for long texts. */
const PAIR = /\s*(?:"((?:[^"]|"")*)"\s*=([^,]*)|([^,]*)),/gy;

/** The words of a rule, or the first pair that is none, by the grammar. */
function wordsByGrammar(text: string): ReadonlyMap<string, number> | string {
  const words = new Map<string, number>();
  if (text.trim() === '') return words;
  for (const [whole, quotedKey, quotedValue = '', plain = ''] of `${text},`.matchAll(PAIR)) {
    const equals = plain.lastIndexOf('=');
    const key = quotedKey?.replaceAll('""', '"') ?? plain.slice(0, Math.max(equals, 0));
    const value = (quotedKey === undefined ? plain.slice(equals + 1) : quotedValue).trim();
    const word = key.replaceAll(/\s+/g, ' ').trim();
    if (word === '' || !/^[0-9]{1,10}$/.test(value)) return whole.slice(0, -1).trim();
    words.set(word, Number(value));
  }
  return words;
}

/** The words of a rule, or the pair that its error names. */
function wordsOrPair(text: string): ReadonlyMap<string, number> | string {
  try {
    return parseWords(text);
  } catch (error) {
    return /^"(.*)" is not a word/s.exec(String(Reflect.get(Object(error), 'message')))?.[1] ?? '';
  }
}

describe('the pairs of a rule', () => {
  test.for<[text: string, expected: Readonly<Record<string, number>> | string]>([
    ['a=1,b=2', { a: 1, b: 2 }],
    ['"a,b"=1,c=2', { 'a,b': 1, c: 2 }],
    ['"a ""b"" c"=1', { 'a "b" c': 1 }],
    ['"a"" , ""b" \n =1', { 'a" , "b': 1 }],
    ['a=b=1', { 'a=b': 1 }],
    ['"a=1', { '"a': 1 }],
    ['"a,b=1', '"a'],
    ['"a"b=1', { '"a"b': 1 }],
    ['"a"=b=1', '"a"=b=1'],
    ['a=1,', ''],
    ['a=1,,b=2', ''],
    [',', ''],
    ['"a"', '"a"'],
  ])('%j are %j', ([text, expected]) => {
    const words = typeof expected === 'string' ? expected : new Map(Object.entries(expected));
    expect(wordsOrPair(text)).toEqual(words);
    expect(wordsByGrammar(text)).toEqual(words);
  });

  test('are what the grammar says, for any text', () => {
    const unit = fc.constantFrom('"', '""', ',', '=', '=1', '=1,', ' ', '\n', 'a', '1');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 16 }), (text) => {
        expect(wordsOrPair(text)).toEqual(wordsByGrammar(text));
      }),
      { seed: 20_261_127, numRuns: 1000 },
    );
  });
});

test('printed rules are read back unchanged', () => {
  const rules: ReadingRules = {
    kind: 'inventory',
    columns: [
      { header: 'Qty, "NJ"', target: 'quantity_in_stock' },
      { header: 'Misc', target: 'ignore' },
    ],
    locations: 'sum',
    decimal: 'comma',
    dates: 'month_first',
    words: new Map([['more than 5, maybe', 5]]),
    negative: 'zero',
    identifiers: 'sku_id_first',
    strict: true,
  };
  expect(printRules(NO_RULES)).toEqual({});
  const texts = printRules(rules);
  const printed = RULE_NAMES.map((name) => [name, texts[name] ?? ''] as const);
  expect({ ...NO_RULES, ...parseRules(printed) }).toEqual(rules);
});

describe('the rules in force', () => {
  const saved: ReadingRules = {
    ...NO_RULES,
    decimal: 'comma',
    locations: 'sum',
    columns: [
      { header: 'Artikel', target: 'sku_id', isOptional: true },
      { header: 'Lager', target: 'quantity_in_stock', isOptional: true },
      { header: 'Regal', target: 'quantity_in_stock', isOptional: true },
    ],
  };

  test('are the saved ones unless the sender gave others', () => {
    expect(rulesInForce(saved, {})).toEqual(saved);
    expect(rulesInForce(saved, { decimal: 'point' })).toEqual({ ...saved, decimal: 'point' });
  });

  test('map a column as the sender did, instead of the saved headers of that column', () => {
    const columns = parseColumnMappings('Frei=quantity_in_stock');
    expect(rulesInForce(saved, { columns }).columns).toEqual([
      { header: 'Frei', target: 'quantity_in_stock' },
      { header: 'Artikel', target: 'sku_id', isOptional: true },
    ]);
  });

  test('ignore a column that the sender wants ignored, and keep the other saved headers', () => {
    const columns = parseColumnMappings('regal=ignore');
    expect(
      rulesInForce(saved, { columns }).columns.map(({ header, target }) => [header, target]),
    ).toEqual([
      ['regal', 'ignore'],
      ['Artikel', 'sku_id'],
      ['Lager', 'quantity_in_stock'],
    ]);
  });
});
