import { expect, test } from 'vitest';
import { printTraceparent, readTraceparent } from '../../src/tracing/traceparent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

function readAndPrinted(text: string): string | undefined {
  const context = readTraceparent(text);
  return context && printTraceparent(context);
}

test.each([
  ['a context', `00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-01`],
  ['one that is not sampled', `00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${PARENT}-00`],
  ['flags that are not known', `00-${TRACE}-${PARENT}-ff`, `00-${TRACE}-${PARENT}-01`],
  ['a later version', `01-${TRACE}-${PARENT}-01-more`, `00-${TRACE}-${PARENT}-01`],
  ['spaces around it', ` 00-${TRACE}-${PARENT}-01\t`, `00-${TRACE}-${PARENT}-01`],
])('reads %s', (_case, text, printed) => {
  expect(readAndPrinted(text)).toBe(printed);
});

test.each([
  ['nothing', ''],
  ['a trace ID of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['a parent ID of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['the invalid version', `ff-${TRACE}-${PARENT}-01`],
  ['more than its version has', `00-${TRACE}-${PARENT}-01-more`],
  ['capital letters', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
  ['an ID that is too short', `00-${TRACE.slice(1)}-${PARENT}-01`],
  ['two contexts', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
])('ignores %s', (_case, text) => {
  expect(readTraceparent(text)).toBeUndefined();
});

test('a malformed state does not make the context invalid', () => {
  const context = readTraceparent(`00-${TRACE}-${PARENT}-01`, 'a=1,=,b=2');
  expect(context?.traceState?.serialize()).toBe('a=1,b=2');
});
