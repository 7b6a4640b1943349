import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import type { Complaint } from '../../src/domain/catalogue.ts';
import { printReportHeader, printReportRows } from '../../src/formats/results/report.ts';

const complaint = (value: string): Complaint => {
  return { row: 7, column: 'isbn', value, reason: 'has no digits', kind: 'doubtful' };
};

test('a report is CSV, whatever the cells hold', () => {
  const values = ['plain', 'a,b', 'say "hi"', 'two\nlines', ''];
  const report = printReportHeader() + printReportRows(values.map(complaint));
  expect(parse(report)).toEqual([
    ['row', 'column', 'value', 'reason', 'kind'],
    ...values.map((value) => ['7', 'isbn', value, 'has no digits', 'doubtful']),
  ]);
});

test('a cell that would be a formula in a spreadsheet is made text', () => {
  const values = ['=1+1', '+A1', '-A1', '-1-1', '@SUM(A1)', '\t=1', '\r=1', '＝1+1'];
  const report: unknown = parse(printReportRows(values.map(complaint)));
  expect(report).toEqual(
    values.map((value) => ['7', 'isbn', `'${value}`, 'has no digits', 'doubtful']),
  );
});

test('a number with a sign is no formula', () => {
  const values = ['-1', '+1', '-0.5', '-0,5'];
  const report: unknown = parse(printReportRows(values.map(complaint)));
  expect(report).toEqual(values.map((value) => ['7', 'isbn', value, 'has no digits', 'doubtful']));
});
