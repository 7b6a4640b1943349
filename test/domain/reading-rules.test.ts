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
