import { afterAll, beforeAll, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { SKUS, TestServer } from '../harness.ts';

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme', [
    entry('kettle', { product: { title: 'Kettle' } }),
    entry('untitled'),
  ]));
});
afterAll(() => server.stop());

const ask = (path: string) => server.ask('GET', SKUS + path, { token });

test('a reply has the title of a SKU only on request', async () => {
  const plain = await ask('');
  expect(plain.text).not.toContain('"title"');
  const { json } = await ask('?include=title');
  expect(at(json, 'skus', 0, 'title')).toBe('Kettle');
  expect(at(json, 'skus', 1, 'title')).toBeNull();
  const path = `${textAt(json, 'skus', 0, 'uuid')}/`;
  expect((await ask(path)).text).not.toContain('"title"');
  expect((await ask(`${path}?include=title`)).json).toEqual(at(json, 'skus', 0));
  const past = await ask(`${path}?include=title&as_of=2100-01-01T00:00:00Z`);
  expect(at(past.json, 'title')).toBe('Kettle');
});

test('the reply to a creation can have the title', async () => {
  const body = { sku_id: 'jug', title: 'Jug' };
  const { json } = await server.ask('POST', `${SKUS}?include=title`, { token, body });
  expect(at(json, 'title')).toBe('Jug');
});

test('include takes nothing but title', async () => {
  for (const path of ['?include=price', '?include=', '?include=title&include=title']) {
    problemOf(await ask(path), 400, 'parameter_invalid');
  }
  const answer = await server.ask('POST', `${SKUS}?include=x`, { token, body: { sku_id: 'x' } });
  problemOf(answer, 400, 'parameter_invalid');
});

test('the list can be filtered by what titles begin with', async () => {
  const { json } = await ask('?title=kETT');
  expect(at(json, 'pagination', 'total_count')).toBe(1);
  expect(at(json, 'skus', 0, 'sku_id')).toBe('kettle');
  expect(at((await ask('?title=ettle')).json, 'skus')).toEqual([]);
  expect(at((await ask('?title=')).json, 'skus', 1, 'sku_id')).toBe('untitled');
});
