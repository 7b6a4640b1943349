import ipaddr from 'ipaddr.js';
import { parseCursor, printCursor } from '../../../src/changes/cursor.ts';
import { readMediaType, isGzipped } from '../../../src/http/request/body.ts';
import { acceptsGzip } from '../../../src/http/request/reply.ts';
import { cleanFilename } from '../../../src/http/files/file-upload.ts';
import { hostOf, readWebhookUrl } from '../../../src/webhooks/address.ts';
import { isWebhookSecret } from '../../../src/webhooks/signature.ts';
import { parseChangeList } from '../../../src/wire/changes/change-pages.ts';
import { parseHistory } from '../../../src/wire/changes/sku-history.ts';
import { parseFileEffectsQuery, parsePreviewRows } from '../../../src/wire/file-effects.ts';
import { parseSkuExport } from '../../../src/wire/inventory/sku-export.ts';
import { parseSkuList } from '../../../src/wire/inventory/skus.ts';
import { parseStatistics } from '../../../src/wire/statistics.ts';
import { readUuids } from '../../../src/wire/query.ts';
import {
  checkMessage,
  Disagreement,
  expectSame,
  expectThat,
  outcomeOf,
  type Target,
} from '../target.ts';
import { Python } from './python.ts';

const NOW_MS = 1_795_000_000_000;

/** Query strings, by every path that has one of its own, and headers. */
export const parameters: Target = {
  name: 'parameters',
  tokens: [
    '&',
    '=',
    '%',
    '%00',
    '%ff',
    '+',
    ',',
    'limit=',
    'start=',
    'cursor=',
    'after=',
    'supplier_uuids=',
    '01a20936-3c41-7550-b4c7-629830fd1c36',
    'from=now',
    'from=start',
    'wait=',
    'changed_since=',
    '2026-11-23T16:21:19Z',
    'format=csv',
    'rows=',
    'order=',
    'sku_id=',
    'search=',
    'include=',
    'min_quantity=',
    'status=failed',
    'charset=utf-8',
    'application/json;',
    'gzip;q=0',
    'identity',
    '*;q=0.5',
    '../',
    '\\',
    '"',
  ],
  seeds: [
    'limit=25&start=0',
    'cursor=abc&limit=500&wait=30',
    'supplier_uuids=01a20936-3c41-7550-b4c7-629830fd1c36,01a20936-3c41-7550-b4c7-629830fd1c37&changed_since=2026-11-23T16:21:19Z',
    'from=now&limit=2',
    'format=csv&include=history',
    'application/json; charset="utf-8"',
    'gzip, deflate;q=0.5, *;q=0',
    'C:\\fakepath\\stock.csv',
  ],
  run: (bytes) => {
    const text = bytes.toString();
    const query = new Map<string, string[]>();
    for (const [name, value] of new URLSearchParams(text)) {
      const given = query.get(name);
      if (given === undefined) query.set(name, [value]);
      else given.push(value);
    }
    const readers: readonly (() => unknown)[] = [
      () => parseSkuList(query),
      () => parseSkuExport(query),
      () => parseChangeList(query, text.slice(0, 40)),
      () => parseHistory(query),
      () => parseStatistics(query, NOW_MS),
      () => parseFileEffectsQuery(query),
      () => parsePreviewRows(query),
      () => readUuids([text]),
      () => readMediaType(text, ['application/json']),
      () => isGzipped(text),
      () => acceptsGzip(text),
    ];
    for (const read of readers)
      expectSame('read otherwise the second time', outcomeOf(read), outcomeOf(read));
    const name = outcomeOf(() => cleanFilename(text));
    if ('value' in name && typeof name.value === 'string') {
      expectThat(
        !/[/\\\p{Cc}]/u.test(name.value) && name.value.isWellFormed(),
        'a file name with a path',
        name,
      );
      expectSame('a clean name is changed again', cleanFilename(name.value), name.value);
    }
    isWebhookSecret(text);
  },
};

const SEAL = { key: Buffer.alloc(32, 7), readerId: 3 };
const OTHER = { ...SEAL, readerId: 4 };

/** Cursors: what is printed is read back; all else is refused. Half of the inputs are printed from their numbers first. */
export const cursors: Target = {
  name: 'cursors',
  tokens: [
    'A',
    '_',
    '-',
    '=',
    '\xff',
    '\x80',
    printCursor({ sequences: new Map([[1, 5]]), turn: 1 }, SEAL),
  ],
  seeds: [
    printCursor(
      {
        sequences: new Map([
          [1, 5],
          [900, 2 ** 40],
        ]),
        turn: 900,
      },
      SEAL,
    ),
    '\x01\x02\x03\x04\x05\x06\x07\x08',
  ],
  run: (bytes) => {
    const text = bytes.toString('latin1');
    const parsed = outcomeOf(() => parseCursor(text, SEAL));
    if ('value' in parsed)
      expectSame('a cursor that was not printed', printCursor(parsed.value, SEAL), text);
    const sequences = new Map<number, number>();
    for (let at = 0; at + 12 <= Math.min(bytes.length, 1200); at += 12)
      sequences.set(bytes.readUIntBE(at, 6), bytes.readUIntBE(at + 6, 6));
    const cursor = {
      sequences: new Map([...sequences].toSorted(([a], [b]) => a - b)),
      turn: bytes[0] ?? 0,
    };
    const printed = printCursor(cursor, SEAL);
    expectSame('a cursor is read otherwise', parseCursor(printed, SEAL), cursor);
    expectThat(
      'refused' in outcomeOf(() => parseCursor(printed, OTHER)),
      "another reader's cursor is accepted",
      printed,
    );
  },
};

const python = new Python();
const STRICT = { allowHttp: false, allowPrivateNetworks: false };

/** Webhook URLs: none that is accepted leads into the operator's network. */
export const webhookUrls: Target = {
  name: 'webhook-urls',
  tokens: [
    'https://',
    'http://',
    '@',
    ':',
    '/',
    '#',
    '?',
    '[',
    ']',
    '::',
    '::ffff:',
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '169.254.169.254',
    '10.',
    '64:ff9b::',
    'fe80::1',
    'fd00:ec2::254',
    'localhost',
    '.localhost',
    '%2e',
    '。',
    '①',
    '\\',
    '\t',
    '0177.0.0.1',
    '2002:7f00:1::',
    '2001:0:',
    '100.64.0.1',
    '192.168.0.1',
    'ⓔxample.com',
  ],
  seeds: [
    'https://example.com/hook',
    'https://93.184.216.34:8443/x?y',
    'https://[2606:4700::1111]/',
    'https://[::ffff:127.0.0.1]/',
    'https://0x7f.1/',
    'https://user:pw@example.com/',
    'https://localhost./',
  ],
  run: (bytes) => {
    const text = bytes.toString();
    const reading = readWebhookUrl(text, STRICT);
    if ('refusal' in reading) {
      checkMessage(reading.refusal);
      return;
    }
    const { url } = reading;
    expectThat(
      url.protocol === 'https:' && url.username === '' && url.hash === '',
      'no plain URL',
      url.href,
    );
    expectSame(
      'the URL is read otherwise when it is stored',
      'url' in readWebhookUrl(url.href, STRICT),
      url.href.length <= 2048,
    );
    const host = hostOf(url.hostname);
    expectThat(host !== '' && !/^(?:.+\.)?localhost\.?$/i.test(host), 'this machine', host);
    if (ipaddr.isValid(host))
      expectThat(
        ipaddr.process(host).range() === 'unicast' || host.startsWith('64:ff9b::'),
        'an address that is not public',
        host,
      );
  },
  compare: async (inputs) => {
    const accepted = inputs.flatMap((input) => {
      const reading = readWebhookUrl(input.toString(), STRICT);
      return 'url' in reading ? [{ input, host: hostOf(reading.url.hostname) }] : [];
    });
    const answers = await python.ask(
      'address',
      accepted.map(({ host }) => host),
    );
    for (const [i, isGlobal] of answers.entries()) {
      const { input, host } = accepted[i] ?? {};
      if (isGlobal === false)
        throw new Disagreement('Python: the address is not global', { host }, input);
    }
  },
  close: () => python.close(),
};
