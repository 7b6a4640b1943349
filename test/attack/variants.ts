import { gzipSync } from 'node:zlib';
import { textAt } from '../http/answers.ts';
import {
  ask,
  BATCHES,
  BULK,
  bulkOf,
  changeAll,
  CHANGES,
  FILES,
  flooded,
  FRESHNESS,
  headOf,
  holdOpen,
  LOGIN,
  many,
  MIB,
  nextQuantity,
  processed,
  scaled,
  SKUS,
  WEBHOOKS,
  type Attack,
} from './attack-tools.ts';
import { Flood } from './flood.ts';

export const VARIANTS: readonly Attack[] = [
  {
    name: 'lists at the end of a large catalogue',
    run: ({ url, share, supplier: { token, skuIds } }) =>
      many(scaled(600, share), 400, (i) =>
        ask(url, 'GET', `${SKUS}?limit=500&start=${skuIds.length - 500 - (i % 7)}`, { token }),
      ),
  },
  {
    name: 'freshness reports of a large catalogue',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(600, share), 400, () => ask(url, 'GET', FRESHNESS, { token })),
  },
  {
    name: 'dry runs of reverting a large batch',
    run: async (attacker) => {
      const { url, share, supplier } = attacker;
      const batch = await changeAll(attacker, nextQuantity());
      await many(scaled(60, share), 60, () =>
        ask(url, 'POST', `${BATCHES}${batch}/revert/?dry_run=true`, { token: supplier.token }),
      );
    },
  },
  {
    name: 'new SKUs, one at a time, from many connections',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(4000, share), 400, (i) =>
        ask(url, 'POST', SKUS, {
          token,
          body: JSON.stringify({ sku_id: `new-${nextQuantity()}-${i}` }),
        }),
      ),
  },
  {
    name: 'column names that are saved again and again',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(4000, share), 400, (i) =>
        ask(url, 'PUT', `${FILES}mapping/`, {
          token,
          body: JSON.stringify({ columns: { [`c${i}`]: 'sku_id' } }),
        }),
      ),
  },
  {
    name: 'bulk updates of 200,000 lines, one after another',
    run: async (attacker) => {
      const { url, share, supplier } = attacker;
      await many(scaled(12, share), 3, () =>
        ask(url, 'POST', `${BULK}?errors_only=true`, {
          token: supplier.token,
          body: bulkOf(200_000, supplier.skuIds.length, nextQuantity()),
        }),
      );
    },
  },
  {
    name: 'large batches of which all lines fail, each with a new idempotency key',
    run: async ({ url, share, supplier: { token } }) => {
      const body = JSON.stringify(
        Array.from({ length: 100_000 }, (_, i) => ({ sku_id: `?${i}`, quantity_in_stock: 1 })),
      );
      await many(scaled(10, share), 2, () =>
        ask(url, 'POST', BULK, {
          token,
          body,
          headers: { 'idempotency-key': `k${nextQuantity()}` },
        }),
      );
    },
  },
  {
    name: 'small bulk updates from 400 connections',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(8000, share), 400, () =>
        ask(url, 'POST', BULK, { token, body: bulkOf(20, 1000, nextQuantity()) }),
      ),
  },
  {
    name: 'streams of a retailer that follow the second tenant',
    run: async ({ url, share, measured, retailer: { token } }) => {
      const head = headOf('GET', `${CHANGES}?from=now`, [
        `Authorization: Token ${token}`,
        'Accept: text/event-stream',
      ]);
      const flood = await Flood.send(url, scaled(2000, share), head);
      await flood.statuses();
      await measured();
      flood.close();
    },
  },
  {
    name: 'streams that start far back and are not read',
    run: async (attacker) => {
      const { share, supplier } = attacker;
      await changeAll(attacker, nextQuantity());
      const head = headOf('GET', `${CHANGES}?from=start&limit=10000`, [
        `Authorization: Token ${supplier.token}`,
        'Accept: text/event-stream',
      ]);
      await holdOpen(attacker, scaled(1000, share), head);
    },
  },
  {
    name: 'long polls',
    run: async ({ url, share, supplier: { token } }) => {
      const now = await ask(url, 'GET', `${CHANGES}?from=now`, { token });
      const cursor = textAt(JSON.parse(now.text), 'cursor');
      await many(scaled(1000, share), 1000, () =>
        ask(url, 'GET', `${CHANGES}?after=${cursor}&wait=5`, { token }),
      );
    },
  },
  {
    name: 'results as a workbook, aborted',
    run: async (attacker) => {
      const { url, share, supplier } = attacker;
      const uuid = await processed(attacker, `sku_id,qty\n${'sku-1,1\n'.repeat(50_000)}`);
      await many(scaled(200, share), 20, async () => {
        const response = await fetch(`${url}${FILES}${uuid}/results.xlsx`, {
          headers: { authorization: `Token ${supplier.token}` },
        });
        await response.body?.cancel();
      });
    },
  },
  {
    name: 'a pipeline of requests on each of ten connections',
    run: async ({ share, supplier: { token }, ...attacker }) => {
      const one = headOf('GET', `${SKUS}?limit=500`, [`Authorization: Token ${token}`]);
      await holdOpen(attacker, 10, one.repeat(scaled(1000, share)));
    },
  },
  {
    name: 'a body of chunks of one byte with long extensions',
    run: async ({ url, share, supplier: { token } }) => {
      const chunk = `1;${'x'.repeat(1000)}\r\n \r\n`;
      const head = headOf('POST', BULK, [
        `Authorization: Token ${token}`,
        'Transfer-Encoding: chunked',
      ]);
      await flooded(url, 4, head + chunk.repeat(scaled(20_000, share)) + '0\r\n\r\n');
    },
  },
  {
    name: 'headers and trailers that never end',
    run: async ({ url, share, supplier: { token } }) => {
      const filler = `X-Filler: ${'x'.repeat(1000)}\r\n`.repeat(scaled(1000, share));
      await flooded(url, 50, `GET ${SKUS} HTTP/1.1\r\nHost: x\r\n${filler}`);
      await flooded(url, 50, `GET /${'x'.repeat(1_000_000)} HTTP/1.1\r\n`);
      const head = headOf('POST', BULK, [
        `Authorization: Token ${token}`,
        'Transfer-Encoding: chunked',
      ]);
      await flooded(url, 50, `${head}2\r\n[]\r\n0\r\n${filler}`);
      const cookies = 'Cookie: a=b\r\n'.repeat(1000);
      await flooded(url, 50, `GET ${SKUS} HTTP/1.1\r\nHost: x\r\n${cookies}\r\n`);
      const query = '&a=b'.repeat(3500);
      await flooded(
        url,
        50,
        headOf('GET', `${SKUS}?x=1${query}`, [
          `Authorization: Token ${token}`,
          'Connection: close',
        ]),
      );
    },
  },
  {
    name: 'deep nesting',
    run: async ({ url, share, supplier: { token } }) => {
      const deep = '['.repeat(30 * MIB);
      await many(scaled(8, share), 4, () => ask(url, 'POST', BULK, { token, body: deep }));
      await many(scaled(8, share), 4, () =>
        ask(url, 'POST', BULK, {
          token,
          body: new Uint8Array(gzipSync(`[${'{"a":'.repeat(6 * MIB)}`)),
          headers: { 'content-encoding': 'gzip' },
        }),
      );
    },
  },
  {
    name: 'gzip that unpacks to gigabytes, on every route',
    run: async ({ url, share, supplier: { token } }) => {
      const bomb = new Uint8Array(gzipSync(Buffer.alloc(256 * MIB, ' ')));
      for (const path of [BULK, SKUS, WEBHOOKS, LOGIN, `${FILES}mapping/`]) {
        await many(scaled(8, share), 8, () =>
          ask(url, path.endsWith('mapping/') ? 'PUT' : 'POST', path, {
            token,
            body: bomb,
            headers: { 'content-encoding': 'gzip' },
          }),
        );
      }
    },
  },
  {
    name: 'streams without a line break',
    run: async ({ url, share, supplier: { token } }) => {
      const body = `{"sku_id":"${'x'.repeat(8 * MIB)}`;
      await many(scaled(40, share), 20, () =>
        ask(url, 'POST', BULK, {
          token,
          body,
          headers: { 'content-type': 'application/x-ndjson' },
        }),
      );
    },
  },
  {
    name: 'logins with long passwords and names of all kinds',
    run: async ({ url, share }) => {
      await many(scaled(200, share), 100, (i) =>
        ask(url, 'POST', LOGIN, {
          body: JSON.stringify({ username: `u${i}`, password: 'x'.repeat(MIB) }),
        }),
      );
      await many(scaled(400, share), 200, (i) =>
        ask(url, 'POST', LOGIN, {
          body: JSON.stringify({
            username: '\u0344'.repeat(100) + i,
            password: '\uFDFA'.repeat(4000),
          }),
        }),
      );
    },
  },
  {
    name: 'connections that send half of a header',
    run: async ({ share, ...attacker }) => {
      await holdOpen(attacker, scaled(11_000, share), 'GET / HTTP/1.1\r\nHost:');
    },
  },
  {
    name: 'logins whose bodies stop after a byte',
    run: async ({ share, ...attacker }) => {
      const head = headOf('POST', LOGIN, ['Content-Length: 10000']);
      await holdOpen(attacker, scaled(11_000, share), `${head}{`);
    },
  },
  {
    name: 'documentation that is not read',
    run: async ({ share, ...attacker }) => {
      await holdOpen(
        attacker,
        scaled(5000, share),
        headOf('GET', '/docs/static/swagger-ui-bundle.js', []),
      );
    },
  },
  {
    name: 'edits of webhooks whose names do not resolve',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(2000, share), 400, (i) =>
        ask(url, 'POST', WEBHOOKS, {
          token,
          body: JSON.stringify({ url: `https://h${i}.example.invalid/` }),
        }),
      ),
  },
];
