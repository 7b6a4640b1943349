import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entry } from '../store/fixtures.ts';
import { at, textAt } from './answers.ts';
import { SKUS, TestServer, type Answer, type Asking } from './harness.ts';

const FILES = '/timp/organizations/files/';
const UPLOAD = `${FILES}upload/`;
const CSV = { 'content-type': 'text/csv' };

let server: TestServer;
let token: string;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  suppliers += 1;
  const entries = ['A-1', 'A-2', 'A-3'].map((skuId) => entry(skuId));
  ({ token } = await server.createSupplier(`Files ${suppliers}`, entries));
});

function ask(method: string, path: string, asking: Asking = {}): Promise<Answer> {
  return server.ask(method, path, { token, ...asking });
}

/** Uploads a file; gives its uuid. */
async function upload(body: string | Uint8Array, query = '', headers = {}): Promise<string> {
  const answer = await ask('POST', UPLOAD + query, { body, headers: { ...CSV, ...headers } });
  expect(answer.text).toMatch(/^\{"uuid":"[0-9a-f-]{36}"\}$/);
  return textAt(answer.json, 'uuid');
}

/** The file once it is over, or held. */
async function over(uuid: string): Promise<unknown> {
  const answer = await ask('GET', `${FILES}${uuid}/?wait=30`);
  expect(answer.status).toBe(200);
  return answer.json;
}

async function results(uuid: string): Promise<readonly string[]> {
  const answer = await ask('GET', `${FILES}${uuid}/results.csv`);
  expect(answer.status, answer.text).toBe(200);
  return answer.text.trimEnd().split(/\r?\n/);
}

async function stock(): Promise<Record<string, unknown>> {
  const answer = await ask('GET', SKUS);
  const skus = at(answer.json, 'skus');
  if (!Array.isArray(skus)) throw new Error('no skus');
  return Object.fromEntries(
    skus.map((sku: unknown) => [textAt(sku, 'sku_id'), at(sku, 'quantity_in_stock')]),
  );
}

describe('a file that is sent', () => {
  test('is applied row by row, and gives its rows back with what became of each', async () => {
    const uuid = await upload(
      'sku_id,quantity_in_stock,note\nA-1,5,=1+1\nNONE,3,\nA-2,many,x\nA-3,7,\n',
      '?filename=stock.csv',
    );
    expect(await over(uuid)).toMatchObject({
      uuid,
      filename: 'stock.csv',
      state: 'done',
      kind: 'inventory',
      format: 'csv',
      encoding: 'UTF-8',
      rows: 4,
      rows_expected: 4,
      status_counts: { '200': 2, '400': 1, '404': 1 },
      unknown_columns: ['note'],
      problem: null,
      batches: [expect.any(String)],
    });
    expect(await stock()).toEqual({ 'A-1': 5, 'A-2': null, 'A-3': 7 });
    expect(await results(uuid)).toEqual([
      'sku_id,quantity_in_stock,note,status_code,message',
      "A-1,5,'=1+1,200,success",
      expect.stringMatching(/^NONE,3,,404,"?No sku found/),
      expect.stringMatching(
        /^A-2,many,x,400,"Row 4, column ""quantity_in_stock"": ""many"" is not/,
      ),
      'A-3,7,,200,success',
    ]);
  });
});
