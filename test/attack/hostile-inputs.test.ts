import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workbookOf } from '../formats/workbooks.ts';
import { at, textAt } from '../http/answers.ts';
import { AttackedServer, createTenant, type Tenant } from './attacked-server.ts';
import { expectIsolated } from './second-tenant.ts';

/**
 * Bodies and files of a few kilobytes that once cost many seconds of CPU time. The bounds are for a shared
 * machine; an attack that is not contained takes tens of seconds.
 */
const P99_MS_MAX = 3000;
const MIB = 1024 ** 2;
const BULK = '/timp/products/skus/inventory/bulk/';
const WEBHOOKS = '/timp/notifications/webhooks/';
const UPLOAD = '/timp/organizations/files/upload/';

let server: AttackedServer<Tenant>;

beforeAll(async () => {
  server = await AttackedServer.start({
    prepare: (store) => createTenant(store, 'Attacker', { skus: 1 }),
  });
  await server.secondTenant.before();
});
afterAll(() => server.stop());

const send = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: { authorization: `Token ${server.prepared.token}`, ...headers },
    body,
  });

/** The body of each attack, compressed once. */
const packed = new Map<string, Uint8Array<ArrayBuffer>>();

function packedOf(name: string, body: () => string): Uint8Array<ArrayBuffer> {
  const bytes = packed.get(name) ?? new Uint8Array(gzipSync(body(), { level: 1 }));
  packed.set(name, bytes);
  return bytes;
}

/** Sends a compressed body, and returns the status. */
async function attack(path: string, body: Uint8Array<ArrayBuffer>): Promise<number> {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const response = await send(path, body, headers);
  await response.arrayBuffer();
  return response.status;
}

const members = (): string =>
  Array.from({ length: 3_000_000 }, (_, i) => `"${i.toString(36)}":1`).join(',');

const BODIES: readonly (readonly [string, () => string, number])[] = [
  ['a form of 32 MiB of +', () => `data=${'+'.repeat(32 * MIB - 5)}`, 413],
  ['spaces, then a letter', () => `${' '.repeat(32 * MIB - 1)}x`, 400],
  ['line breaks, then a letter', () => `${'\n'.repeat(32 * MIB - 1)}x`, 400],
  ['an object of three million members', () => `{${members()}}`, 413],
  ['an array of them', () => `[{${members()}}]`, 413],
  ['a text of 30 MiB', () => `[{"sku_id":"${'x'.repeat(30 * MIB)}"}]`, 413],
];

test.for(BODIES)('$0 does not slow a second tenant', async ([name, body, status]) => {
  const bytes = packedOf(name, body);
  const { result, latencies } = await server.secondTenant.during(attack(BULK, bytes));
  expect(result).toBe(status);
  expectIsolated(latencies, P99_MS_MAX);
});

test.for(BODIES)('$0 is refused at 64 KiB on other paths', async ([name, body]) => {
  const response = await send(WEBHOOKS, packedOf(name, body), {
    'content-encoding': 'gzip',
  });
  expect(response.status).toBe(413);
  expect(textAt(await response.json(), 'detail')).toContain('ONHAND_SMALL_REQUEST_BYTES_MAX');
});

const FILES: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
  [
    'a CSV file with long runs of spaces in its cells',
    () => gzipSync(`sku_id,qty\n${`a${' '.repeat(30_000)}b,5\n`.repeat(20)}`),
    /^(?:)$/,
  ],
  [
    'a CSV file with a wide header and short rows',
    () => gzipSync(`sku_id,qty${',x'.repeat(998)}\n${'A\n'.repeat(200_000)}`),
    /lack more than 4000000 cells/,
  ],
  [
    'a workbook with 100,000 sheets that are one part',
    () =>
      workbookOf({
        sheets: [{ rows: '<row><c/></row>'.repeat(1000) }],
        parts: [
          {
            name: 'xl/workbook.xml',
            content: `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>${'<sheet name="x" r:id="s0"/>'.repeat(100_000)}</sheets></workbook>`,
          },
        ],
      }),
    /the same part/,
  ],
];

test.for(FILES)('$0 does not slow a second tenant', async ([, file, problem]) => {
  const bytes = new Uint8Array(file());
  expect(bytes.length).toBeLessThan(20_000);
  const { result, latencies } = await server.secondTenant.during(processed(bytes));
  expectIsolated(latencies, P99_MS_MAX);
  const detail = at(result, 'problem') === null ? '' : textAt(at(result, 'problem'), 'detail');
  expect(detail).toMatch(problem);
  const results = await fetch(
    `${server.url}/timp/organizations/files/${textAt(result, 'uuid')}/results.csv`,
    {
      headers: { authorization: `Token ${server.prepared.token}` },
    },
  );
  expect((await results.arrayBuffer()).byteLength).toBeLessThan(12 * MIB);
});

async function processed(bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
  const uploaded = await send(UPLOAD, bytes, { 'content-type': 'text/csv' });
  const uuid = textAt(await uploaded.json(), 'uuid');
  const answer = await fetch(`${server.url}/timp/organizations/files/${uuid}/?wait=30`, {
    headers: { authorization: `Token ${server.prepared.token}` },
  });
  return answer.json();
}
