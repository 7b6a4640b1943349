import { deflateRawSync, gzipSync } from 'node:zlib';
import { zipOf } from '../formats/archives.ts';
import { workbookOf } from '../formats/workbooks.ts';
import {
  ask,
  BULK,
  CHANGES,
  FILES,
  many,
  MIB,
  processed,
  scaled,
  SKUS,
  WEBHOOKS,
  type Attack,
} from './attack-tools.ts';

const HEADER = 'sku_id,qty\n';
const NDJSON = 'application/x-ndjson';

/** Bulk bodies of about 30 MB at full size, by what they repeat. */
const JSON_BODIES: readonly (readonly [string, (share: number) => string])[] = [
  [
    'a line that repeats a member a million times',
    (share) => `[{${'"sku_id":"sku-1",'.repeat(scaled(1_500_000, share))}"quantity_in_stock":1}]`,
  ],
  [
    'a line that repeats a member with a million identifiers',
    (share) => `[{"sku_id":"sku-1"${',"upca":"1"'.repeat(scaled(2_000_000, share))}}]`,
  ],
  [
    'lines that repeat a member',
    (share) =>
      `[${Array.from({ length: scaled(200_000, share) }, () => '{"sku_id":"a","sku_id":"sku-1","quantity_in_stock":1,"quantity_in_stock":2}').join(',')}]`,
  ],
  [
    'a number of 30 million digits',
    (share) => `[{"sku_id":"sku-1","quantity_in_stock":${'9'.repeat(scaled(30 * MIB, share))}}]`,
  ],
  [
    'numbers of a thousand digits',
    (share) =>
      `[${Array.from({ length: scaled(30_000, share) }, (_, i) => `{"sku_id":"sku-${i}","quantity_in_stock":${'1'.repeat(1000)}}`).join(',')}]`,
  ],
  [
    'numbers with a thousand decimals and huge exponents',
    (share) =>
      `[${Array.from({ length: scaled(30_000, share) }, (_, i) => `{"sku_id":"sku-${i}","quantity_in_stock":0.${'1'.repeat(900)}e-999999999}`).join(',')}]`,
  ],
  [
    'lone surrogates',
    (share) =>
      `[${Array.from({ length: scaled(200_000, share) }, (_, i) => `{"sku_id":"\\ud800${i}\\udfff","quantity_in_stock":1,"group":"\\udc00"}`).join(',')}]`,
  ],
  [
    'texts of escapes only',
    (share) => `[{"sku_id":"${'\\u0000'.repeat(scaled(5 * MIB, share))}"}]`,
  ],
  [
    'names of members of megabytes',
    (share) =>
      `[{"${'x'.repeat(scaled(15 * MIB, share))}":1,"${'\\"'.repeat(scaled(7 * MIB, share))}":1}]`,
  ],
  [
    'a million unknown members with different names',
    (share) =>
      `[{${Array.from({ length: scaled(1_500_000, share) }, (_, i) => `"m${i}":${i}`).join(',')}}]`,
  ],
  [
    'members named as those that objects inherit',
    (share) =>
      `[${Array.from({ length: scaled(300_000, share) }, () => '{"__proto__":{"sku_id":"sku-1"},"constructor":1,"toString":2,"sku_id":"sku-1"}').join(',')}]`,
  ],
  [
    'lines that are objects within objects',
    (share) =>
      `[${Array.from({ length: scaled(10_000, share) }, () => `{"sku_id":${'{"a":['.repeat(120)}1${']}'.repeat(120)}}`).join(',')}]`,
  ],
  ['a million empty lines', (share) => `[${'{},'.repeat(scaled(3_000_000, share))}{}]`],
  ['a million nulls', (share) => `[${'null,'.repeat(scaled(5_000_000, share))}null]`],
  [
    'millions of numbers that are no lines',
    (share) => `[${'1,'.repeat(scaled(15_000_000, share))}1]`,
  ],
  [
    'GTINs of a thousand digits',
    (share) =>
      `[${Array.from({ length: scaled(25_000, share) }, (_, i) => `{"gtin14":"${String(i).repeat(200)}","isbn":"${'9-'.repeat(300)}","quantity_in_stock":1}`).join(',')}]`,
  ],
  [
    'one SKU in each line',
    (share) =>
      `[${'{"sku_id":"sku-1","quantity_in_stock":1},'.repeat(scaled(200_000, share))}{"sku_id":"sku-1","quantity_in_stock":2}]`,
  ],
  [
    'dates of all kinds',
    (share) =>
      `[${Array.from({ length: scaled(200_000, share) }, (_, i) => `{"sku_id":"sku-${i}","quantity_in_stock":1,"backorder_date":"+${i}99999-13-45T99:99:99.${'9'.repeat(40)}Z"}`).join(',')}]`,
  ],
];

/** Small bodies, of up to 64 KiB, for routes that read them on the thread that answers requests. */
const SMALL_BODIES: readonly (readonly [string, string])[] = [
  ['brackets', '['.repeat(64_000)],
  ['braces', '{"a":'.repeat(12_000)],
  ['repeated members', `{${'"a":1,'.repeat(10_000)}"a":1}`],
  ['a huge number', `{"sku_id":${'9'.repeat(64_000)}}`],
  ['lone surrogates', `{"sku_id":"${'\\ud800'.repeat(10_000)}"}`],
  ['escapes', `{"sku_id":"${'\\u0000'.repeat(10_000)}"}`],
  ['white space', ' '.repeat(64_000)],
  ['many identifiers', `{"sku_id":"a",${'"upca":"1",'.repeat(5000)}"isbn":"2"}`],
  ['a form', `data=${'%5B'.repeat(20_000)}`],
  ['combining characters', JSON.stringify({ sku_id: 'a\u0301\u0323'.repeat(10_000) })],
  ['ligatures', JSON.stringify({ sku_id: '\uFDFA'.repeat(20_000), title: '\uFDFA'.repeat(1000) })],
];

const member = gzipSync('');
const rowMember = gzipSync('sku-1,1\n');

/** What is written at the end of each file in an archive, in the place of the right sizes: they are in a zip64 field. */
function zip64(entries: number): Buffer {
  const name = Buffer.from('a.csv');
  const data = deflateRawSync(`${HEADER}sku-1,1\n`);
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  extra.writeBigUInt64LE(2n ** 53n - 1n, 4);
  extra.writeBigUInt64LE(BigInt(data.length), 12);
  const local = Buffer.alloc(30);
  local.write('PK\u0003\u0004', 'latin1');
  local.writeUInt16LE(8, 8);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.write('PK\u0001\u0002', 'latin1');
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(0xffff_ffff, 20);
  central.writeUInt32LE(0xffff_ffff, 24);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt16LE(extra.length, 30);
  central.writeUInt32LE(0xffff_ffff, 42);
  const directory = Buffer.concat(
    Array.from({ length: entries }, () => Buffer.concat([central, name, extra])),
  );
  const start = local.length + name.length + data.length;
  const end = Buffer.alloc(56);
  end.write('PK\u0006\u0006', 'latin1');
  end.writeBigUInt64LE(44n, 4);
  end.writeBigUInt64LE(BigInt(entries), 24);
  end.writeBigUInt64LE(BigInt(entries), 32);
  end.writeBigUInt64LE(BigInt(directory.length), 40);
  end.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.write('PK\u0006\u0007', 'latin1');
  locator.writeBigUInt64LE(BigInt(start + directory.length), 8);
  locator.writeUInt32LE(1, 16);
  const last = Buffer.alloc(22);
  last.write('PK\u0005\u0006', 'latin1');
  last.writeUInt16LE(0xffff, 8);
  last.writeUInt16LE(0xffff, 10);
  last.writeUInt32LE(0xffff_ffff, 12);
  last.writeUInt32LE(0xffff_ffff, 16);
  return Buffer.concat([local, name, data, directory, end, locator, last]);
}

/** An archive whose directory names the same compressed bytes again and again. */
function overlapping(entries: number, mib: number): Buffer {
  const archive = zipOf([{ name: '0000.csv', content: Buffer.alloc(mib * MIB, ' ') }]);
  const start = archive.readUInt32LE(archive.length - 6);
  const central = archive.subarray(start, archive.length - 22);
  const end = Buffer.from(archive.subarray(archive.length - 22));
  const named = Array.from({ length: entries }, (_, i) => {
    const copy = Buffer.from(central);
    copy.write(String(i).padStart(4, '0'), 46, 'latin1');
    return copy;
  });
  end.writeUInt16LE(entries, 8);
  end.writeUInt16LE(entries, 10);
  end.writeUInt32LE(entries * central.length, 12);
  return Buffer.concat([archive.subarray(0, start), ...named, end]);
}

const FILES_OF: readonly (readonly [string, (share: number) => Uint8Array | string])[] = [
  [
    'gzip of half a million empty members',
    (share) => Buffer.concat(Array.from({ length: scaled(500_000, share) }, () => member)),
  ],
  [
    'gzip of half a million members of a row',
    (share) =>
      Buffer.concat([
        gzipSync(HEADER),
        ...Array.from({ length: scaled(500_000, share) }, () => rowMember),
      ]),
  ],
  ['gzip with a name of megabytes', (share) => gzipWithName(scaled(20 * MIB, share))],
  [
    'gzip with rubbish behind it',
    (share) =>
      Buffer.concat([gzipSync(`${HEADER}sku-1,1\n`), Buffer.alloc(scaled(20 * MIB, share), 7)]),
  ],
  ['zip64 with sizes of petabytes', () => zip64(1)],
  ['zip64 of 65,000 entries', (share) => zip64(scaled(65_000, share))],
  ['an archive of overlapping entries', (share) => overlapping(scaled(5000, share), 50)],
  [
    'an archive with a comment of rubbish',
    () =>
      Buffer.concat([
        zipOf([{ name: 'a.csv', content: HEADER }]).subarray(0, -2),
        Buffer.from([0xff, 0xff]),
        Buffer.from('PK\u0005\u0006'.repeat(16_383)),
      ]),
  ],
  [
    'CSV of quoted cells with doubled quotes',
    (share) => `${HEADER}${`"${'""'.repeat(20)}",1\n`.repeat(scaled(500_000, share))}`,
  ],
  [
    'CSV of quotes that open and do not close',
    (share) => `${HEADER}${'"a\n'.repeat(scaled(4 * MIB, share))}`,
  ],
  ['CSV of separators of all kinds', (share) => `a;b,c\td|e\n`.repeat(scaled(MIB, share))],
  [
    'CSV of a thousand columns of the same name',
    (share) =>
      `${'sku_id,'.repeat(1000)}\n${`${'sku-1,'.repeat(1000)}\n`.repeat(scaled(2000, share))}`,
  ],
  [
    'CSV with numbers of ten thousand digits',
    (share) => `${HEADER}${`sku-1,${'9'.repeat(10_000)}\n`.repeat(scaled(3000, share))}`,
  ],
  [
    'CSV with numbers of separators',
    (share) => `${HEADER}${`sku-1,"1${',111'.repeat(2000)}.5"\n`.repeat(scaled(3000, share))}`,
  ],
  [
    'CSV with dates of ten thousand characters',
    (share) =>
      `sku_id,qty,backorder_date\n${`sku-1,1,${'1/'.repeat(5000)}\n`.repeat(scaled(3000, share))}`,
  ],
  [
    'CSV with formulas',
    (share) => `${HEADER}${'=1+1,=2+2\n+3,@x\n-4,\t=5\n'.repeat(scaled(400_000, share))}`,
  ],
  [
    'CSV in UTF-16',
    (share) =>
      Buffer.from(`\uFEFF${HEADER}${'sku-1,1\n'.repeat(scaled(2_000_000, share))}`, 'utf16le'),
  ],
  [
    'CSV with byte order marks everywhere',
    (share) => `\uFEFF\uFEFF${HEADER}${'\uFEFFsku-1,1\n'.repeat(scaled(MIB, share))}`,
  ],
  [
    'CSV of combining characters',
    (share) => `${HEADER}${`${'a\u0301\u0323'.repeat(500)},1\n`.repeat(scaled(10_000, share))}`,
  ],
  [
    'CSV of lone bytes',
    (share) =>
      Buffer.concat([
        Buffer.from(HEADER),
        Buffer.alloc(scaled(30 * MIB, share), Buffer.from([0xed, 0xa0, 0x80, 0x2c, 0x31, 0x0a])),
      ]),
  ],
  [
    'CSV of comments before the header',
    (share) => `${'# x\n'.repeat(scaled(5 * MIB, share))}${HEADER}`,
  ],
  [
    'CSV of blank rows before the header',
    (share) => `${',,\n'.repeat(scaled(8 * MIB, share))}${HEADER}sku-1,1\n`,
  ],
  [
    'NDJSON of repeated members',
    (share) => `{${'"sku_id":"sku-1",'.repeat(2000)}"qty":1}\n`.repeat(scaled(800, share)),
  ],
  [
    'JSON rows with different members',
    (share) =>
      `[${Array.from({ length: scaled(300_000, share) }, (_, i) => `{"m${i}":1,"sku_id":"sku-1"}`).join(',')}]`,
  ],
  [
    'JSON rows that are deep',
    (share) =>
      `[${Array.from({ length: scaled(2000, share) }, () => `{"sku_id":${'['.repeat(500)}${']'.repeat(500)}}`).join(',')}]`,
  ],
  [
    'a workbook with huge numbers and references',
    (share) =>
      workbookOf({
        sheets: [
          {
            rows: `<row><c r="A${'9'.repeat(300)}"><v>1${'0'.repeat(400)}</v></c><c r="${'Z'.repeat(300)}1"><v>-1e400</v></c></row>`.repeat(
              scaled(20_000, share),
            ),
          },
        ],
      }),
  ],
  [
    'a workbook with attributes that repeat',
    (share) =>
      workbookOf({
        sheets: [
          {
            rows: `<row ${Array.from({ length: scaled(300_000, share) }, (_, i) => `a${i}="1"`).join(' ')}/>`,
          },
        ],
      }),
  ],
  [
    'a workbook with a text of many runs',
    (share) =>
      workbookOf({
        sheets: [{ rows: '<row><c t="s"><v>0</v></c></row>' }],
        strings: [`<r><t>a</t></r>`.repeat(scaled(1_000_000, share))],
      }),
  ],
];

function gzipWithName(bytes: number): Buffer {
  const plain = gzipSync(`${HEADER}sku-1,1\n`);
  const head = Buffer.from(plain.subarray(0, 10));
  head.writeUInt8(8, 3);
  return Buffer.concat([head, Buffer.alloc(bytes, 'x'), Buffer.from([0]), plain.subarray(10)]);
}

export const CONTENT_VARIANTS: readonly Attack[] = [
  ...JSON_BODIES.flatMap(([what, bodyOf]) =>
    (['plain', 'gzip', 'as rows'] as const).map((how): Attack => ({
      name: `JSON of ${what}, ${how}`,
      run: async ({ url, share, supplier: { token } }) => {
        const text =
          how === 'as rows' ? bodyOf(share).slice(1, -1).replaceAll('},{', '}\n{') : bodyOf(share);
        const body = how === 'gzip' ? new Uint8Array(gzipSync(text, { level: 1 })) : text;
        await many(4, 2, async () => {
          const { status, text: answer } = await ask(url, 'POST', BULK, {
            token,
            body,
            headers: {
              ...(how === 'gzip' && { 'content-encoding': 'gzip' }),
              ...(how === 'as rows' && { 'content-type': NDJSON }),
            },
          });
          if (status >= 500 && status !== 503) throw new Error(`${status} ${answer.slice(0, 200)}`);
        });
      },
    })),
  ),
  {
    name: 'small bodies of all kinds',
    run: async ({ url, share, supplier: { token } }) => {
      const routes = [
        ['POST', SKUS],
        ['POST', WEBHOOKS],
        ['PUT', `${FILES}mapping/`],
        ['POST', '/timp/products/skus/inventory/'],
        ['POST', BULK],
        ['POST', '/timp/organizations/user-login/'],
        ['POST', '/timp/organizations/sessions/'],
      ] as const;
      await many(scaled(4000, share), 100, async (i) => {
        const [method, path] = routes[i % routes.length] ?? routes[0];
        const [, body = ''] = SMALL_BODIES[i % SMALL_BODIES.length] ?? [];
        const isForm = body.startsWith('data=');
        const { status, text } = await ask(url, method, path, {
          token,
          body,
          headers: isForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {},
        });
        if (status >= 500 && status !== 503)
          throw new Error(`${path}: ${status} ${text.slice(0, 200)}`);
      });
    },
  },
  ...FILES_OF.map(([what, contentOf]): Attack => ({
    name: `a file: ${what}`,
    run: async (attacker) => {
      const { url, share, supplier } = attacker;
      const content = contentOf(share);
      await many(2, 2, async () => {
        const uuid = await processed(attacker, content);
        for (const path of [
          `${uuid}/results.csv`,
          `${uuid}/results.xlsx`,
          `preview/?uuid=${uuid}`,
        ]) {
          const { status } = await ask(url, 'GET', `${FILES}${path}`, { token: supplier.token });
          if (status >= 500 && status !== 503) throw new Error(`${path}: ${status}`);
        }
      });
    },
  })),
  {
    name: 'headers with long lists and many ranges',
    run: async ({ url, share, supplier: { token } }) => {
      const lists: readonly Record<string, string>[] = [
        { accept: 'text/html;q=0.1,'.repeat(900) },
        { 'accept-encoding': 'gzip;q=0.5,'.repeat(1300) },
        { 'accept-language': 'de;q=0.5,'.repeat(1500) },
        { range: `bytes=${'0-1,'.repeat(3000)}0-1` },
        { 'if-none-match': '"a",'.repeat(3500) },
        { 'x-forwarded-for': '1.2.3.4, '.repeat(1500) },
        { 'last-event-id': 'x'.repeat(14_000) },
        { 'content-type': `text/csv;${' '.repeat(14_000)}x` },
        { 'content-type': `multipart/form-data; boundary=${'"\\'.repeat(7000)}` },
        { 'content-disposition': `attachment; filename*=UTF-8''${'%41'.repeat(4500)}` },
        { authorization: `Token ${' '.repeat(14_000)}x` },
        { cookie: '='.repeat(14_000) },
        { cookie: ';'.repeat(14_000) },
        { host: 'x'.repeat(14_000) },
        { origin: 'https://' + 'x.'.repeat(7000) },
      ];
      const paths = [
        SKUS,
        '/docs/',
        '/openapi.json',
        '/docs/static/swagger-ui-bundle.js',
        CHANGES,
        `${FILES}upload/`,
        '/',
      ];
      await many(scaled(6000, share), 100, async (i) => {
        const path = paths[i % paths.length] ?? '/';
        const headers = lists[i % lists.length] ?? {};
        const isUpload = path.includes('upload');
        const { status, text } = await ask(url, isUpload ? 'POST' : 'GET', path, {
          ...(headers['authorization'] === undefined && { token }),
          headers,
          ...(isUpload && { body: 'sku_id,qty\n' }),
        });
        if (status >= 500 && status !== 503)
          throw new Error(
            `${path} ${JSON.stringify(headers).slice(0, 60)}: ${status} ${text.slice(0, 200)}`,
          );
      });
    },
  },
];
