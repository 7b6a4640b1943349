import { expect, test } from 'vitest';
import { printResults, resultCells, resultHeader } from '../../src/formats/csv/writer.ts';

const HEADER = ['SKU', 'Qty'];

test('a file of results has the supplier’s own columns, and two more', () => {
  expect(resultHeader(HEADER)).toEqual(['SKU', 'Qty', 'status_code', 'message']);
});

test.for([
  ['as many cells', ['A', '5'], ['A', '5', '200', 'success']],
  ['too few', ['A'], ['A', '', '200', 'success']],
  ['too many', ['A', '5', 'x'], ['A', '5', '200', 'success']],
] as const)('a row with %s as the header fits under it', ([, cells, expected]) => {
  expect(resultCells({ cells, statusCode: 200, message: 'success' }, HEADER)).toEqual(expected);
});

test('nothing in it is a formula to a spreadsheet, and numbers stay what they are', () => {
  const cells = ['=1+1', '@SUM(A1)', '+49 30', '-5', '+3.5', '\t=1', 'a=1', '-2+3', '\uFF1D1'];
  const printed = printResults([cells]);
  expect(printed).toBe("'=1+1,'@SUM(A1),'+49 30,-5,+3.5,'\t=1,a=1,'-2+3,'\uFF1D1\n");
});

test('quotes and separators in cells stay inside them', () => {
  expect(printResults([['a,b', 'say "hi"', 'two\nlines']])).toBe(
    '"a,b","say ""hi""","two\nlines"\n',
  );
});
