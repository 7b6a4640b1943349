import { NO_RULES } from '../../../src/domain/reading-rules.ts';
import { checkComplete } from '../../../src/formats/stock-file.ts';
import { report } from '../../formats/edifact.ts';
import { interchange } from '../../formats/x12.ts';
import { readSettings } from '../../../src/settings/read.ts';
import { cut, expectSame, expectThat, outcomeOfAsync, type Target } from '../target.ts';
import { arriving, readFile } from './reading.ts';

const LIMITS = readSettings({}, {}).formatLimits;

/** EDI files are checked as a whole before their rows are applied: what the check accepts can be read. */
function ediTarget(
  format: 'x12' | 'edifact',
  tokens: readonly string[],
  seeds: readonly string[],
): Target {
  return {
    name: format,
    tokens,
    seeds,
    run: async (bytes, random) => {
      const whole = await readFile([bytes], NO_RULES);
      expectSame(
        'a file depends on how bytes arrive',
        whole,
        await readFile(cut(bytes, random), NO_RULES),
      );
      const isRead = 'value' in whole && whole.value.format === format;
      if (!isRead && 'value' in whole) return;
      const check = await outcomeOfAsync(() =>
        checkComplete(
          {
            format,
            packing: null,
            sheet: null,
            rowUnit: 'segment',
            columns: [],
            unknownColumns: [],
            overlooked: [],
            notes: () => [],
          },
          { path: '', read: () => arriving([bytes]) },
          {
            limits: LIMITS,
            rules: NO_RULES,
            readJsonLine: () => ({ skuId: null, gtins: [], fields: {} }),
          },
          new AbortController().signal,
        ),
      );
      if (isRead) expectThat('value' in check, 'a file is read that its check refuses', check);
    },
  };
}

export const x12 = ediTarget(
  'x12',
  [
    '~',
    '*',
    '>',
    '\n',
    'LIN**SK*A-1~',
    'LIN*1*UP*012345678905*SK*B~',
    'QTY*33*5*EA~',
    'QTY*17*2*DZ~',
    'DTM*018*20270105~',
    'LOC*OI*NORTH~',
    'SDQ*EA*92*001*5*002*7~',
    'PID*F****Tea~',
    'REF*IA*1~',
    'N1*WH*North~',
    'ISA*00*',
    'GS*IB*',
    'ST*846*0001~',
    'SE*4*0001~',
    'GE*1*7~',
    'IEA*1*000000042~',
    'BIA*00*MB*INV-1*20261123*0915~',
    'CTT*1~',
    'QTY*33*-5~',
    'QTY*33*5.5~',
    'EN*4006381333931',
    'IB*0306406152',
  ],
  [
    interchange([
      'LIN**SK*A-1',
      'QTY*33*5*EA',
      'LIN**UP*012345678905',
      'QTY*17*0*EA',
      'DTM*018*20270105',
    ]),
    interchange(['LIN**SK*A-1', 'SDQ*EA*92*001*5*002*7'], {
      release: '5010',
      element: '|',
      segment: "'",
      lineBreak: '',
    }),
  ],
);

export const edifact = ediTarget(
  'edifact',
  [
    "'",
    '+',
    ':',
    '?',
    "?'",
    '??',
    "LIN+1++4006381333931:SRV'",
    "LIN+2++A-1:SA'",
    "PIA+1+B-2:SA'",
    "QTY+145:5'",
    "QTY+145:5:PCE'",
    "QTY+198:1,5'",
    "DTM+69:20270105:102'",
    "LOC+18+NORTH'",
    "INV+1'",
    "GIN+BX+1'",
    "FTX+AAI+++x'",
    "UNA:+.? '",
    "UNB+UNOC:3+4012345000009:14+ACME:ZZ+261123:0915+42'",
    "UNH+1+INVRPT:D:96A:UN'",
    "BGM+35+INV-1+9'",
    "UNT+4+1'",
    "UNZ+1+42'",
    'UNOA',
    'UNOY',
    '\n',
  ],
  [
    report(['LIN+1++4006381333931:SRV', 'QTY+145:5', 'LIN+2++A-1:SA', 'QTY+145:0:PCE', 'LOC+18+N']),
    report(['LIN+1++A:SA', 'PIA+1+B:SA', 'QTY+198:2', 'DTM+69:20270105:102'], {
      una: '*|,! ~',
      lineBreak: '',
    }),
  ],
);
