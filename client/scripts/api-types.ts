/** Generates `src/api-types.ts` from the OpenAPI document of a server: `npm run types:generate -w client -- URL`. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import openapiTypescript, { astToString, COMMENT_HEADER } from 'openapi-typescript';

/** The generated file. */
export const API_TYPES = fileURLToPath(new URL('../src/api-types.ts', import.meta.url));

/** TypeScript of an OpenAPI document, without the problem responses: all of them are the schema `Problem`. */
export async function apiTypes(document: string): Promise<string> {
  const reduced = JSON.stringify(
    JSON.parse(document, function (this: unknown, name: string, value: unknown) {
      return /^(?:[45]\d\d|example)$/.test(name) ? undefined : value;
    }),
  );
  const nodes = await openapiTypescript(reduced, {
    alphabetize: true,
    defaultNonNullable: false,
    immutable: true,
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
  });
  return COMMENT_HEADER + astToString(nodes);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , url = 'http://127.0.0.1:8080'] = process.argv;
  const response = await fetch(`${url}/openapi.json`);
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  await writeFile(API_TYPES, await apiTypes(await response.text()));
}
