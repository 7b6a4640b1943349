/**
 * Generates `examples/postman/onhand.postman_collection.json` from the OpenAPI document of a server:
 * `node scripts/postman-collection.ts http://127.0.0.1:8080`.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The generated file. */
export const POSTMAN_COLLECTION = fileURLToPath(
  new URL('../examples/postman/onhand.postman_collection.json', import.meta.url),
);

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json';

/** What of an OpenAPI document is used. */
interface Document {
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
}

interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header' | 'path';
  readonly required?: boolean;
  readonly description?: string;
}

interface Media {
  readonly example?: unknown;
}

/** A Postman collection (format 2.1), which Bruno and Insomnia import too: a folder per tag, a request per operation. */
export function postmanCollection(openApi: string): string {
  const document: Document = JSON.parse(openApi);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const collection = {
    info: {
      name: document.info.title,
      description: 'Set the variables `url` and `token` of this collection.',
      schema: SCHEMA,
    },
    auth: {
      type: 'apikey',
      apikey: [
        { key: 'in', value: 'header' },
        { key: 'key', value: 'Authorization' },
        { key: 'value', value: 'Token {{token}}' },
      ],
    },
    variable: [
      { key: 'url', value: 'http://127.0.0.1:8080' },
      { key: 'token', value: '', type: 'secret' },
    ],
    item: document.tags.map(({ name, description }) => ({
      name,
      description,
      item: operations
        .filter(({ operation }) => operation.tags.includes(name))
        .map(({ path, method, operation }) => ({
          name: operation.summary,
          request: requestOf(path, method, operation),
        })),
    })),
  };
  return `${JSON.stringify(collection, null, 2)}\n`;
}

function requestOf(path: string, method: string, operation: Operation) {
  const { parameters = [], requestBody, description, security } = operation;
  const of = (place: Parameter['in']) => parameters.filter((parameter) => parameter.in === place);
  // A colon begins a path variable.
  const segments = path.slice(1).replaceAll(/\{(\w+)\}/g, ':$1');
  const body = bodyOf(requestBody?.content ?? {});
  return {
    method: method.toUpperCase(),
    ...(description !== undefined && { description }),
    ...(security?.length === 0 && { auth: { type: 'noauth' } }),
    url: {
      raw: `{{url}}/${segments}`,
      host: ['{{url}}'],
      path: segments.split('/'),
      query: of('query').map(fieldOf),
      variable: of('path').map(fieldOf),
    },
    header: [...(body?.header ?? []), ...of('header').map(fieldOf)],
    ...(body !== undefined && { body: body.content }),
  };
}

/** Optional parameters are there, but off. */
function fieldOf({ name, required = false, description }: Parameter) {
  return {
    key: name,
    value: '',
    ...(description !== undefined && { description }),
    ...(!required && { disabled: true }),
  };
}

function bodyOf(content: Readonly<Record<string, Media>>) {
  const json = content['application/json'];
  if (json !== undefined) {
    return {
      header: [{ key: 'Content-Type', value: 'application/json' }],
      content: { mode: 'raw', raw: JSON.stringify(json.example, null, 2) },
    };
  }
  if (Object.keys(content).length === 0) return undefined;
  return {
    header: [{ key: 'Content-Type', value: 'application/octet-stream' }],
    content: { mode: 'file' },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , url = 'http://127.0.0.1:8080'] = process.argv;
  const response = await fetch(`${url}/openapi.json`);
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  await writeFile(POSTMAN_COLLECTION, postmanCollection(await response.text()));
}
