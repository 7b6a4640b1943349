import { expect, test } from 'vitest';
import { openInventory } from './stock-files.ts';
import { all } from './reading.ts';
import { envelope, interchange, set846 } from './x12.ts';

const GOOD = ['LIN**SK*A-1', 'QTY*33*5'];
const BAD = ['LIN**SK*B-1', 'QTY*33*many', 'LIN**UP*012345678906', 'QTY*33*5'];

/** The acknowledgement of a file, in segments, that of its interchange first and last left out. */
async function answerTo(file: string) {
  const opened = await openInventory(file);
  const isRefused = await all(opened.rows).then(
    () => false,
    () => true,
  );
  const terms = { controlNumber: 77, atMs: Date.UTC(2026, 10, 23, 9, 5), isRefused };
  return opened.acknowledge(() => terms)[0]?.split('~') ?? [];
}

test('a 997 is addressed to the sender, dated, and uses the delimiters of the interchange', async () => {
  const opened = await openInventory(
    interchange(GOOD, { release: '5010', element: '|', component: ':', segment: "'" }),
  );
  await all(opened.rows);
  const terms = { controlNumber: 77, atMs: Date.UTC(2026, 10, 23, 9, 5), isRefused: false };
  expect(opened.acknowledge(() => terms)).toEqual([
    [
      'ISA|00|          |00|          |12|5551234567     |ZZ|ACME           |261123|0905|^|00501|000000077|0|P|:',
      'GS|FA|5551234567|ACME|20261123|0905|77|X|005010',
      'ST|997|0001',
      'AK1|IB|7',
      'AK9|A|1|1|1',
      'SE|4|0001',
      'GE|1|77',
      'IEA|1|000000077',
      '',
    ].join("'"),
  ]);
});

test('a 997 accepts a correct group and counts its sets', async () => {
  const answer = await answerTo(envelope([set846(GOOD, '0001'), set846(GOOD, '0002')]));
  expect(answer.slice(3, 6)).toEqual(['AK1*IB*7', 'AK9*A*2*2*2', 'SE*4*0001']);
});

test('a 997 names the faulty elements and accepts the rest', async () => {
  const answer = await answerTo(envelope([set846(GOOD, '0001'), set846(BAD, '0002')]));
  expect(answer.slice(3, -4)).toEqual([
    'AK1*IB*7',
    'AK2*846*0002',
    'AK3*QTY*4*LIN*8',
    'AK4*2*380*6*many',
    'AK3*LIN*5*LIN*8',
    'AK4*3*234*7*012345678906',
    'AK5*E*5',
    'AK9*E*2*2*2',
  ]);
});

test.for([
  ['a wrong count of segments', 'SE*5', 'SE*6', ['AK2*846*0001', 'AK5*R*4', 'AK9*R*1*1*0']],
  ['another control number', 'SE*5*0001', 'SE*5*9', ['AK2*846*0001', 'AK5*R*3', 'AK9*R*1*1*0']],
  ['another transaction set', 'ST*846', 'ST*850', ['AK2*850*0001', 'AK5*R*1', 'AK9*R*1*1*0']],
  ['a group that is not read', 'GS*IB', 'GS*PO', ['AK9*R*0*0*0*1']],
  ['a group that is counted wrong', 'GE*1', 'GE*3', ['AK9*R*3*1*0*5']],
] as const)('a 997 rejects %s', async ([, from, to, expected]) => {
  const answer = await answerTo(interchange(GOOD).replace(from, to));
  expect(answer.slice(4, -4)).toEqual(expected);
});

test('an interchange without a group is rejected with a TA1', async () => {
  const answer = await answerTo(interchange(GOOD).replace(/GS[^]*/, 'IEA*1*000000042~'));
  expect(answer.slice(1, -1)).toEqual(['TA1*000000042*261123*0915*R*024', 'IEA*0*000000077']);
});
