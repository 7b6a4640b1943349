import { expect } from 'vitest';
import { textMatching } from '../matching.ts';
import { SKUS, type Answer, type TestServer } from './harness.ts';

/** The value at a path of names and indexes in a JSON value. */
export function at(json: unknown, ...path: readonly (string | number)[]): unknown {
  let value = json;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) {
      throw new Error(`missing ${path.join('.')} in ${JSON.stringify(json)}`);
    }
    value = Object.entries(value).find(([name]) => name === String(step))?.[1];
  }
  return value;
}

export function textAt(json: unknown, ...path: readonly (string | number)[]): string {
  const value = at(json, ...path);
  if (typeof value !== 'string') throw new Error(`${path.join('.')} is not a string`);
  return value;
}

/** The members of the object at a path in a JSON value. */
export function membersAt(
  json: unknown,
  ...path: readonly (string | number)[]
): readonly (readonly [name: string, value: unknown])[] {
  const value = at(json, ...path);
  if (typeof value !== 'object' || value === null)
    throw new Error(`${path.join('.')} is not an object`);
  return Object.entries(value);
}

/** Checks that an answer is a complete problem document. Returns its detail. */
export function problemOf(answer: Answer, status: number, code: string): string {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(
    /^application\/problem\+json(; charset=utf-8)?$/,
  );
  const detail = textAt(answer.json, 'detail');
  expect(answer.json).toEqual({
    type: `/docs/errors#${code}`,
    title: textMatching(/./),
    status,
    detail,
    message: detail,
    request_id: answer.headers.get('request-id'),
  });
  expect(detail).toMatch(/.\.$/s);
  return detail;
}

/** The SKU with a `sku_id`, as the API returns it. */
export async function skuOf(server: TestServer, token: string, skuId: string): Promise<unknown> {
  const list = await server.ask('GET', `${SKUS}?sku_id=${encodeURIComponent(skuId)}`, { token });
  expect(list.status, list.text).toBe(200);
  return at(list.json, 'skus', 0);
}
