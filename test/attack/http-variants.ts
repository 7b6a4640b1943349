import { gzipSync } from 'node:zlib';
import {
  ask,
  BULK,
  bulkOf,
  CHANGES,
  FILES,
  flooded,
  headOf,
  holdOpen,
  LOGIN,
  many,
  MIB,
  nextQuantity,
  scaled,
  SKUS,
  WEBHOOKS,
  type Attack,
} from './attack-tools.ts';
import { exchange } from './exchange.ts';

const UPLOAD = `${FILES}upload/`;
const BLOCK = 64 * 1024;

function* repeated(piece: string | Uint8Array, count: number): Generator<string | Uint8Array> {
  for (let i = 0; i < count; i += 1) yield piece;
}

/** About `bytes` of a text, in pieces of 64 KiB. */
function* filled(text: string, bytes: number): Generator<string | Uint8Array> {
  yield* repeated(
    Buffer.from(text.repeat(Math.ceil(BLOCK / text.length))),
    Math.ceil(bytes / BLOCK),
  );
}

const tokenOf = (token: string): string => `Authorization: Token ${token}`;
const NDJSON = 'Content-Type: application/x-ndjson';
const CHUNKED = 'Transfer-Encoding: chunked';
const GZIP = 'Content-Encoding: gzip';
const BOUNDARY = 'xxboundaryxx';
const FORM = `Content-Type: multipart/form-data; boundary=${BOUNDARY}`;

/** A body in chunked encoding, of which each chunk has the same bytes. */
function* chunks(bytes: string, count: number): Generator<string | Uint8Array> {
  const one = `${bytes.length.toString(16)}\r\n${bytes}\r\n`;
  yield* filled(one, one.length * count);
  yield '0\r\n\r\n';
}

const PART = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n`;
const CLOSING = `\r\n--${BOUNDARY}--\r\n`;

/** Forms whose parser might look at much at once, by what they repeat. */
const FORMS: readonly (readonly [string, (mib: number) => Iterable<string | Uint8Array>])[] = [
  [
    'a preamble of blanks',
    (mib) => [...filled(' ', mib * MIB), `\r\n${PART}sku_id,qty\n${CLOSING}`],
  ],
  [
    'a preamble of line breaks',
    (mib) => [...filled('\r\n', mib * MIB), `\r\n${PART}sku_id,qty\n${CLOSING}`],
  ],
  [
    'a preamble of broken boundaries',
    (mib) => [
      ...filled(`\r\n--${BOUNDARY.slice(0, -1)}`, mib * MIB),
      `\r\n${PART}sku_id,qty\n${CLOSING}`,
    ],
  ],
  ['a file of line breaks', (mib) => [PART, ...filled('\r\n', mib * MIB), CLOSING]],
  ['a file of dashes', (mib) => [PART, ...filled('\r\n--', mib * MIB), CLOSING]],
  [
    'a file of broken boundaries',
    (mib) => [PART, ...filled(`\r\n--${BOUNDARY.slice(0, -1)}`, mib * MIB), CLOSING],
  ],
  ['a file of carriage returns', (mib) => [PART, ...filled('\r', mib * MIB), CLOSING]],
  [
    'a header of megabytes',
    (mib) => [`--${BOUNDARY}\r\nX-A: `, ...filled('x', mib * MIB), `\r\n\r\n${CLOSING}`],
  ],
  [
    'many headers',
    (mib) => [`--${BOUNDARY}\r\n`, ...filled('X-A: b\r\n', mib * MIB), `\r\n${CLOSING}`],
  ],
  [
    'many parts',
    (mib) =>
      filled(
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="units"\r\n\r\nx\r\n`,
        mib * MIB,
      ),
  ],
  [
    'a name of megabytes',
    (mib) => [
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="`,
      ...filled('%41', mib * MIB),
      `"\r\n\r\n${CLOSING}`,
    ],
  ],
  [
    'an epilogue',
    (mib) => [`${PART}sku_id,qty\n${CLOSING}`, ...filled(`\r\n--${BOUNDARY}`, mib * MIB)],
  ],
];

/** What the rows of a stream repeat. */
const ROWS: readonly (readonly [string, string])[] = [
  ['blank rows', '\n'],
  ['rows of one character', '?\n'],
  ['rows of a carriage return', '\r\n'],
  ['rows of an open bracket', '{\n'],
  ['empty objects', '{}\n'],
  ['rows of a byte that is not UTF-8', 'A'],
  ['unknown SKUs', '{"sku_id":"?","quantity_in_stock":1}\n'],
  ['groups of one row', '{"sku_id":"?","quantity_in_stock":1,"group":"a"}\n\n'],
  ['deep rows', `${'['.repeat(500)}\n`],
  ['rows without an end', 'x'],
];

/** Requests that a proxy and this server might read differently. One response, or none, is all that may come. */
function smuggled(token: string): readonly (readonly [string, string])[] {
  const inner = `GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`;
  const auth = tokenOf(token);
  const length = `Content-Length: ${inner.length}`;
  return [
    ['both lengths', headOf('POST', BULK, [auth, length, CHUNKED]) + `0\r\n\r\n${inner}`],
    ['chunked twice', headOf('POST', BULK, [auth, CHUNKED, CHUNKED]) + `0\r\n\r\n${inner}`],
    [
      'two lengths',
      headOf('POST', BULK, [auth, 'Content-Length: 2', 'Content-Length: 3']) + `[]${inner}`,
    ],
    ['lengths in one header', headOf('POST', BULK, [auth, 'Content-Length: 2, 3']) + `[]${inner}`],
    ['a signed length', headOf('POST', BULK, [auth, 'Content-Length: +2']) + `[]${inner}`],
    ['a hexadecimal length', headOf('POST', BULK, [auth, 'Content-Length: 0x2']) + `[]${inner}`],
    [
      'an encoding before chunked',
      headOf('POST', BULK, [auth, 'Transfer-Encoding: gzip, chunked']) + `0\r\n\r\n${inner}`,
    ],
    [
      'chunked, then identity',
      headOf('POST', BULK, [auth, 'Transfer-Encoding: chunked, identity']) + `0\r\n\r\n${inner}`,
    ],
    [
      'a tab in chunked',
      headOf('POST', BULK, [auth, 'Transfer-Encoding: \tchunked', 'Content-Length: 5']) +
        `0\r\n\r\n${inner}`,
    ],
    [
      'a space before the colon',
      `POST ${BULK} HTTP/1.1\r\nHost: x\r\n${auth}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`,
    ],
    [
      'a folded header',
      `POST ${BULK} HTTP/1.1\r\nHost: x\r\n${auth}\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n${inner}`,
    ],
    [
      'line feeds alone',
      `POST ${BULK} HTTP/1.1\nHost: x\n${auth}\nTransfer-Encoding: chunked\n\n0\n\n${inner}`,
    ],
    [
      'a chunk size that overflows',
      headOf('POST', BULK, [auth, CHUNKED]) + `10000000000000002\r\n[]\r\n0\r\n\r\n${inner}`,
    ],
    [
      'a chunk longer than it says',
      headOf('POST', BULK, [auth, CHUNKED]) + `2\r\n[]XX0\r\n\r\n${inner}`,
    ],
    [
      'chunked in HTTP/1.0',
      `POST ${BULK} HTTP/1.0\r\n${auth}\r\n${CHUNKED}\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n${inner}`,
    ],
    ['a NUL in a header', headOf('GET', '/healthz', ['X: a\0b']) + inner],
    ['HTTP/0.9', `GET /healthz\r\n\r\n${inner}`],
    ['HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${inner}`],
  ];
}

const LONG = 12_000;

export const HTTP_VARIANTS: readonly Attack[] = [
  {
    name: 'thousands of requests in one write, on each of ten connections, all read',
    run: async ({ url, share, supplier: { token } }) => {
      const count = scaled(4000, share);
      const one = headOf('GET', `${SKUS}?limit=1`, [tokenOf(token)]);
      await many(5, 5, () => exchange(url, [one.repeat(count)]));
      await many(5, 5, () => exchange(url, [headOf('GET', '/healthz', []).repeat(count)]));
    },
  },
  {
    name: 'thousands of updates in one write',
    run: async ({ url, share, supplier: { token } }) => {
      const body = bulkOf(20, 1000, nextQuantity());
      const one = headOf('POST', BULK, [tokenOf(token), `Content-Length: ${body.length}`]) + body;
      await many(5, 5, () => exchange(url, [one.repeat(scaled(1000, share))]));
    },
  },
  {
    name: 'requests without a token, pipelined',
    run: async ({ url, share }) => {
      const one = headOf('GET', `/${'x'.repeat(500)}`, []);
      await many(10, 10, () => exchange(url, [one.repeat(scaled(4000, share))]));
    },
  },
  {
    name: 'bodies that wait for 100 Continue and never come',
    run: async ({ share, supplier: { token }, ...attacker }) => {
      const head = headOf('POST', BULK, [
        tokenOf(token),
        'Expect: 100-continue',
        'Content-Length: 60000',
      ]);
      await holdOpen(attacker, scaled(2000, share), head);
    },
  },
  {
    name: 'bodies that wait for 100 Continue, sent at once, and other expectations',
    run: async ({ url, share, supplier: { token } }) => {
      const head = (expectation: string): string =>
        headOf('POST', BULK, [tokenOf(token), `Expect: ${expectation}`, 'Content-Length: 2']) +
        '[]';
      await many(5, 5, () => exchange(url, [head('100-continue').repeat(scaled(1000, share))]));
      await flooded(url, scaled(1000, share), head('200-ok'));
    },
  },
  {
    name: 'requests that two servers might read differently',
    run: async ({ url, supplier: { token } }) => {
      for (const [name, text] of smuggled(token)) {
        const statuses = await exchange(url, [text]);
        if (statuses.length > 1 && !(statuses.length === 2 && statuses[0] === 400)) {
          throw new Error(`${name}: ${statuses.join(', ')}`);
        }
      }
    },
  },
  {
    name: 'one chunk with an extension of megabytes, and trailers of megabytes',
    run: async ({ url, share, supplier: { token } }) => {
      const head = headOf('POST', BULK, [tokenOf(token), CHUNKED]);
      const bytes = scaled(64 * MIB, share);
      await many(4, 4, () =>
        exchange(url, [head, '2;', ...filled('x', bytes), '\r\n[]\r\n0\r\n\r\n']),
      );
      await many(4, 4, () =>
        exchange(url, [head, '2\r\n[]\r\n0\r\n', ...filled('X-A: b\r\n', bytes)]),
      );
    },
  },
  {
    name: 'HTTP/1.0 without keep-alive',
    run: async ({ url, share, supplier: { token } }) => {
      const text = `GET ${SKUS}?limit=5 HTTP/1.0\r\n${tokenOf(token)}\r\n\r\n`;
      await many(scaled(4000, share), 100, () => exchange(url, [text]));
    },
  },
  {
    name: 'a stream to an HTTP/1.0 client, and a chunked body from one',
    run: async ({ url, share, supplier: { token } }) => {
      const row = '{"sku_id":"sku-1","quantity_in_stock":1}\n';
      const body = row.repeat(scaled(50_000, share));
      const head = `POST ${BULK} HTTP/1.0\r\n${tokenOf(token)}\r\n${NDJSON}\r\n`;
      await exchange(url, [`${head}Content-Length: ${body.length}\r\n\r\n`, body]);
      await exchange(url, [`${head}${CHUNKED}\r\n\r\n`, ...chunks(row, scaled(1000, share))]);
    },
  },
  {
    name: 'requests with a thousand headers',
    run: async ({ url, share, supplier: { token } }) => {
      const headers = Array.from({ length: 1900 }, (_, i) => `H${i}: b`);
      const one = headOf('GET', `${SKUS}?limit=1`, [tokenOf(token), ...headers]).slice(0, 16_000);
      await many(20, 20, () => exchange(url, [one.repeat(scaled(100, share))]));
      const few = headOf('GET', `${SKUS}?limit=1`, [tokenOf(token), ...headers.slice(0, 900)]);
      await many(20, 20, () => exchange(url, [few.repeat(scaled(200, share))]));
    },
  },
  ...(
    [
      ['a bulk body', BULK, 'Content-Type: application/json', ' '],
      ['a stream', BULK, NDJSON, '\n'],
      ['an upload', UPLOAD, 'Content-Type: text/csv', 'a'],
      ['a small body', SKUS, 'Content-Type: application/json', ' '],
    ] as const
  ).map(([what, path, type, byte]): Attack => ({
    name: `${what} in chunks of one byte`,
    run: async ({ url, share, supplier: { token } }) => {
      const head = headOf('POST', path, [tokenOf(token), CHUNKED, type]);
      await many(4, 4, () => exchange(url, [head, ...chunks(byte, scaled(2_000_000, share))]));
    },
  })),
  {
    name: 'a form in chunks of one byte',
    run: async ({ url, share, supplier: { token } }) => {
      const head = headOf('POST', UPLOAD, [tokenOf(token), CHUNKED, FORM]);
      await many(4, 4, () =>
        exchange(url, [
          head,
          `${PART.length.toString(16)}\r\n${PART}\r\n`,
          ...chunks('\r', scaled(1_000_000, share)),
        ]),
      );
    },
  },
  ...FORMS.map(([what, pieces]): Attack => ({
    name: `a form with ${what}`,
    run: async ({ url, share, supplier: { token } }) => {
      const mib = scaled(64, share);
      const all = [...pieces(mib)];
      const length = all.reduce((sum, piece) => sum + piece.length, 0);
      const head = headOf('POST', UPLOAD, [tokenOf(token), FORM, `Content-Length: ${length}`]);
      await many(2, 2, () => exchange(url, [head, ...all]));
    },
  })),
  ...ROWS.map(([what, row]): Attack => ({
    name: `a compressed stream of ${what}`,
    run: async ({ url, share, supplier: { token } }) => {
      const size = scaled(32 * MIB, share);
      const text = Buffer.from(row.repeat(size / row.length));
      if (what.includes('not UTF-8'))
        for (let i = 0; i < text.length; i += 2) text.set([0xff, 10], i);
      const body = gzipSync(text, { level: 1 });
      const head = headOf('POST', BULK, [
        tokenOf(token),
        NDJSON,
        GZIP,
        `Content-Length: ${body.length}`,
      ]);
      await many(2, 2, () => exchange(url, [head, body]));
    },
  })),
  {
    name: 'a bulk body that is compressed in a thousand members',
    run: async ({ url, share, supplier: { token } }) => {
      const body = Buffer.concat(
        [gzipSync('['), ...repeated(gzipSync(' '), scaled(500_000, share)), gzipSync(']')].map(
          (piece) => Buffer.from(piece),
        ),
      );
      const head = (type: string, path: string): string =>
        headOf('POST', path, [tokenOf(token), GZIP, type, `Content-Length: ${body.length}`]);
      await exchange(url, [head('Content-Type: application/json', BULK), body]);
      await exchange(url, [head(NDJSON, BULK), body]);
    },
  },
  {
    name: 'control characters and long values in headers, cursors and queries',
    run: async ({ url, share, supplier: { token } }) => {
      const values = [
        'x'.repeat(LONG),
        '%00'.repeat(LONG / 3),
        '%F0%9F%98%80'.repeat(LONG / 12),
        '%'.repeat(LONG),
        '%0A%0D'.repeat(LONG / 6),
        '+'.repeat(LONG),
        '&a[]='.repeat(LONG / 5),
      ];
      const names = [
        'cursor',
        'search',
        'sort',
        'after',
        'from',
        'limit',
        'updated_since',
        'supplier',
        'title',
        'x',
      ];
      await many(scaled(2000, share), 50, async (i) => {
        const value = values[i % values.length] ?? '';
        const query = `?${names[i % names.length] ?? ''}=${value}`;
        for (const path of [SKUS, CHANGES, FILES, WEBHOOKS]) {
          const { status } = await ask(url, 'GET', path + query, { token });
          if (status >= 500 && status !== 503)
            throw new Error(`${path}${query.slice(0, 60)}: ${status}`);
        }
        const keys = [
          'k'.repeat(LONG),
          '\u00FF'.repeat(LONG),
          ' '.repeat(100),
          '\t',
          '"'.repeat(LONG),
        ];
        const { status } = await ask(url, 'POST', BULK, {
          token,
          body: '[]',
          headers: { 'idempotency-key': keys[i % keys.length] ?? '' },
        });
        if (status >= 500 && status !== 503) throw new Error(`key ${i}: ${status}`);
      });
    },
  },
  {
    name: 'sessions that do not exist, and cookies of kilobytes',
    run: async ({ url, share }) => {
      await many(scaled(6000, share), 200, (i) =>
        ask(url, 'GET', `${SKUS}?limit=1`, {
          headers: { cookie: `onhand=${i.toString(16).padStart(40, '0')}` },
        }),
      );
      await many(scaled(2000, share), 200, (i) =>
        ask(url, 'GET', `${SKUS}?limit=1`, {
          headers: { cookie: 'a=b; '.repeat(2500) + `onhand=%${i}` },
        }),
      );
    },
  },
  {
    name: 'tokens that do not exist',
    run: async ({ url, share }) => {
      await many(scaled(8000, share), 200, (i) =>
        ask(url, 'GET', `${SKUS}?limit=1`, { token: i.toString(16).padStart(40, '0') }),
      );
    },
  },
  {
    name: 'logins of one name and of many',
    run: async ({ url, share }) => {
      const paths = [LOGIN, '/timp/organizations/user-password/', '/timp/session/'];
      await many(scaled(3000, share), 200, (i) =>
        ask(url, 'POST', paths[i % paths.length] ?? '', {
          body: JSON.stringify({
            username: i % 2 === 0 ? 'one' : `u${i}`,
            password: `secret-${i}`,
            new_password: 'another secret of many words',
          }),
          headers: { 'onhand-dashboard': '1' },
        }),
      );
    },
  },
];
