import { createServer } from 'node:net';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { bomb, zipOf } from '../formats/archives.ts';
import { report } from '../formats/edifact.ts';
import { workbookOf } from '../formats/workbooks.ts';
import { interchange } from '../formats/x12.ts';
import { ask, FILES, many, MIB, processed, scaled, WEBHOOKS, type Attack } from './attack-tools.ts';

const XML_ENTITIES =
  '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>';
const HEADER = 'sku_id,qty\n';

/** Hostile files of one kind, at a share of their full size. */
const HOSTILE_FILES: readonly (readonly [string, (share: number) => Uint8Array | string])[] = [
  [
    'a workbook of shared strings of 100 MB',
    (share) =>
      workbookOf({
        sheets: [{ rows: [['sku_id', 'qty']] }],
        parts: [bomb('xl/sharedStrings.xml', scaled(100, share))],
      }),
  ],
  [
    'a workbook of a million shared strings',
    (share) =>
      workbookOf({
        sheets: [{ rows: '<row><c t="s"><v>0</v></c></row>'.repeat(scaled(100_000, share)) }],
        strings: Array.from({ length: scaled(1_000_000, share) }, () => '<t>a</t>'),
      }),
  ],
  [
    'a workbook of a million cell formats',
    (share) =>
      workbookOf({
        sheets: [{ rows: [['sku_id', 'qty']] }],
        formats: Array.from({ length: scaled(1_000_000, share) }, () => '0'),
      }),
  ],
  [
    'a workbook of deep XML',
    (share) => workbookOf({ sheets: [{ rows: `<row>${'<c>'.repeat(scaled(2_000_000, share))}` }] }),
  ],
  [
    'a workbook of XML entities',
    () =>
      workbookOf({
        sheets: [{ rows: '<row><c t="inlineStr"><is><t>&c;</t></is></c></row>' }],
        prologue: XML_ENTITIES,
      }),
  ],
  [
    'a workbook of 16,384 columns',
    (share) =>
      workbookOf({
        sheets: [
          {
            rows: `<row>${'<c r="XFD1"><v>1</v></c>'.repeat(16_384)}</row>`.repeat(
              scaled(100, share),
            ),
          },
        ],
      }),
  ],
  [
    'a workbook with a row far down and a large dimension',
    () =>
      workbookOf({
        sheets: [{ rows: '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>' }],
        prologue: '<!-- <dimension ref="A1:XFD1048576"/> -->',
      }),
  ],
  [
    'a workbook of merged cells',
    (share) =>
      workbookOf({
        sheets: [
          {
            rows: [['sku_id', 'qty']],
            merges: Array.from({ length: scaled(200_000, share) }, () => 'A1:XFD1048576'),
          },
        ],
      }),
  ],
  [
    'an archive of a thousand files of one megabyte',
    (share) => zipOf(Array.from({ length: scaled(1000, share) }, (_, i) => bomb(`${i}.csv`, 1))),
  ],
  [
    'an archive in an archive',
    () => zipOf([{ name: 'a.zip', content: zipOf([bomb('b.csv', 200)]) }]),
  ],
  [
    'X12 of a million segments without a line',
    (share) => interchange(Array.from({ length: scaled(1_000_000, share) }, () => 'REF*ZZ*1')),
  ],
  [
    'X12 of one segment of 10 MB',
    (share) => interchange([`LIN**SK*${'x'.repeat(scaled(10 * MIB, share))}`]),
  ],
  [
    'X12 of one segment of a million elements',
    (share) => interchange([`LIN${'*SK'.repeat(scaled(1_000_000, share))}`]),
  ],
  [
    'X12 with letters as separators',
    (share) =>
      interchange(
        Array.from({ length: scaled(100_000, share) }, () => 'LIN**SK*A'),
        { element: 'a', segment: 'b' },
      ),
  ],
  [
    'X12 of a million transaction sets',
    (share) => interchange(Array.from({ length: scaled(300_000, share) }, () => 'SE*1*1~ST*846*1')),
  ],
  [
    'EDIFACT of a million segments without a line',
    (share) => report(Array.from({ length: scaled(1_000_000, share) }, () => 'FTX+AAI')),
  ],
  [
    'EDIFACT of one segment of release characters',
    (share) => report([`LIN+1++${'??'.repeat(scaled(5 * MIB, share))}:SA`]),
  ],
  ['CSV of one cell of 32 MB', (share) => `${HEADER}${'x'.repeat(scaled(32 * MIB, share))}`],
  [
    'CSV of one quoted cell of 32 MB',
    (share) => `${HEADER}"${'x\n'.repeat(scaled(16 * MIB, share))}`,
  ],
  ['CSV of a million columns', (share) => `${'a,'.repeat(scaled(1_000_000, share))}\n`],
  [
    'CSV of rows of a million cells',
    (share) => `${HEADER}${'1,'.repeat(scaled(1_000_000, share))}\n`,
  ],
  ['CSV of quotes', (share) => `${HEADER}${'"'.repeat(scaled(16 * MIB, share))}`],
  ['CSV of NULs', (share) => `${HEADER}${'\0,\0\n'.repeat(scaled(4 * MIB, share))}`],
  [
    'CSV of line ends of all kinds',
    (share) => `${HEADER}${'a,1\rb,2\r\nc,3\n\n\r'.repeat(scaled(MIB, share))}`,
  ],
  ['CSV of many refused rows', (share) => `${HEADER}${'?,?\n'.repeat(scaled(2_000_000, share))}`],
  ['NDJSON of deep rows', (share) => `${'['.repeat(5000)}\n`.repeat(scaled(4000, share))],
  ['JSON of one text of 30 MB', (share) => `[{"sku_id":"${'x'.repeat(scaled(30 * MIB, share))}"}]`],
  ['gzip in gzip', () => gzipSync(gzipSync(Buffer.alloc(64 * MIB)))],
];

/** Receivers of webhooks that hold a delivery for as long as they can, or answer with as much as they can. */
const RECEIVERS: readonly (readonly [string, string, boolean])[] = [
  ['never answer', '', false],
  ['send headers for ever', 'HTTP/1.1 200 OK\r\nX-A: ', true],
  ['send a body for ever', 'HTTP/1.1 200 OK\r\n\r\n', true],
  [
    'redirect to themselves',
    'HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n',
    false,
  ],
  ['answer with a gzip bomb', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b', true],
  ['answer 100 for ever', 'HTTP/1.1 100 Continue\r\n\r\n', true],
];

export const FILE_VARIANTS: readonly Attack[] = [
  ...HOSTILE_FILES.map(([name, file]): Attack => ({
    name: `uploads of ${name}, with their results`,
    run: async (attacker) => {
      const { url, share, supplier } = attacker;
      const body = file(share);
      await many(2, 2, async () => {
        const uuid = await processed(attacker, body);
        for (const path of [
          `${uuid}/results.csv`,
          `preview/?uuid=${uuid}`,
          `effects/?uuid=${uuid}`,
        ]) {
          const response = await fetch(`${url}${FILES}${path}`, {
            headers: { authorization: `Token ${supplier.token}` },
          });
          await response.arrayBuffer();
        }
      });
    },
  })),
  {
    name: 'previews, effects and results of one file, in parallel',
    run: async (attacker) => {
      const { url, share, supplier } = attacker;
      const uuid = await processed(attacker, HEADER + 'sku-1,1\n'.repeat(50_000));
      await many(scaled(400, share), 50, (i) =>
        ask(
          url,
          'GET',
          FILES +
            ([`${uuid}/results.csv`, `preview/?uuid=${uuid}`, `effects/?uuid=${uuid}`][i % 3] ??
              ''),
          { token: supplier.token },
        ),
      );
    },
  },
  ...RECEIVERS.map(([name, answer, isEndless]): Attack => ({
    name: `receivers of webhooks that ${name}`,
    run: async ({ url, share, retailer, measured }) => {
      const receiver = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.resume();
        socket.write(answer, 'latin1');
        const more = (): void => {
          while (
            socket.writable &&
            socket.write(answer.startsWith('HTTP/1.1 100') ? answer : 'x'.repeat(16_384))
          );
        };
        socket.on('drain', more);
        if (isEndless) more();
      });
      await once(receiver.listen(0, '127.0.0.1'), 'listening');
      const address = receiver.address();
      const port = typeof address === 'object' ? address?.port : 0;
      await many(scaled(20, share), 20, (i) =>
        ask(url, 'POST', WEBHOOKS, {
          token: retailer.token,
          body: JSON.stringify({ url: `http://127.0.0.1:${port}/${i}` }),
        }),
      );
      await measured();
      const listed = await ask(url, 'GET', WEBHOOKS, { token: retailer.token });
      for (const [, uuid] of listed.text.matchAll(/"uuid":"([0-9a-f-]{36})"/g)) {
        await ask(url, 'DELETE', `${WEBHOOKS}${uuid}/`, { token: retailer.token });
      }
      receiver.close();
    },
  })),
];
