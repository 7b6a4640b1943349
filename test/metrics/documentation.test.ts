import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { METRIC_NAMES, definitionOf, RESULT_OF_STATUS } from '../../src/metrics/definitions.ts';
import { codesIn, sectionOf, tableRowsOf } from '../house/markdown.ts';
import { ROOT } from '../house/sources.ts';

const page = readFileSync(join(ROOT, 'docs', 'metrics.md'), 'utf8');

test('docs/metrics.md lists every metric with its type and labels, and no other', () => {
  const rows = tableRowsOf(sectionOf(page, 'All metrics'));
  const documented = rows.map(([name = '', type, labels = '']) => ({
    name: name.replaceAll('`', ''),
    type,
    labels: codesIn(labels),
  }));
  const defined = METRIC_NAMES.map((name) => {
    const { type, labels = {} } = definitionOf(name);
    return { name, type, labels: Object.keys(labels) };
  });
  expect(documented).toEqual(defined);
});

test('docs/metrics.md explains every result of a line', () => {
  const documented = tableRowsOf(sectionOf(page, 'Results of lines')).map(
    ([result = '', status = '']) => [status, result.replaceAll('`', '')],
  );
  expect(Object.fromEntries(documented)).toEqual(RESULT_OF_STATUS);
});
