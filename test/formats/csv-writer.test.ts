import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { resultCells } from '../../src/files/results-task.ts';
import { printCsv } from '../../src/formats/csv/writer.ts';

const HEADER = ['SKU', 'Qty'];

test.for([
  ['as many cells', ['A', '5'], ['A', '5', '200', 'success']],
  ['fewer cells', ['A'], ['A', '', '200', 'success']],
  ['more cells', ['A', '5', 'x'], ['A', '5', '200', 'success']],
] as const)('a result row with %s than the header fits under it', ([, cells, expected]) => {
  expect(resultCells(cells, 200, 'success', HEADER)).toEqual(expected);
});

test('CSV parses back to the same cells, whatever they contain', () => {
  const rows = ['plain', 'a,b', 'say "hi"', 'two\nlines', ''].map((cell) => ['7', cell]);
  expect(parse(printCsv(rows))).toEqual(rows);
});

test('quotes and separators stay inside their cell', () => {
  expect(printCsv([['a,b', 'say "hi"', 'two\nlines']])).toBe('"a,b","say ""hi""","two\nlines"\n');
});

test('a cell that a spreadsheet would run as a formula gets an apostrophe', () => {
  const formulas = ['=1+1', '+A1', '-A1', '-1-1', '@SUM(A1)', '\t=1', '\r=1', '\uFF1D1+1'];
  const expected = formulas.map((cell) => `'${cell}`.replace(/[\t\r]/, "$&'"));
  expect(parse(printCsv([formulas]))).toEqual([expected]);
  const cells = ['=1+1', '@SUM(A1)', '+49 30', '-5', '+3.5', '\t=1', 'a=1', '-2+3', '\uFF1D1'];
  expect(printCsv([cells])).toBe("'=1+1,'@SUM(A1),'+49 30,-5,+3.5,'\t'=1,a=1,'-2+3,'\uFF1D1\n");
});

test('a number with a sign is not a formula', () => {
  const numbers = ['-1', '+1', '-0.5', '-0,5'];
  expect(parse(printCsv([numbers]))).toEqual([numbers]);
});

test.for([
  ['x;=1+1', '"x;\'=1+1"'],
  ['x|@A1', '"x|\'@A1"'],
  ['x\t-1-1', "x\t'-1-1"],
  ['x; "=1', '"x; ""\'=1"'],
  ['x\n=1;+1', '"x\n\'=1;\'+1"'],
  ['x;1', '"x;1"'],
  ['a=1', 'a=1'],
] as const)('%j: text after a separator inside a cell is no formula either', ([cell, printed]) => {
  expect(printCsv([[cell]])).toBe(`${printed}\n`);
});
