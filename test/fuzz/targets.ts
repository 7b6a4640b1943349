import type { Target } from './target.ts';

/** Targets are loaded on demand, so that coverage begins before their readers are compiled. */
const LOADERS: Readonly<Record<string, () => Promise<Target>>> = {
  json: async () => (await import('./targets/json.ts')).json,
  ndjson: async () => (await import('./targets/ndjson.ts')).ndjson,
  csv: async () => (await import('./targets/csv.ts')).csv,
  table: async () => (await import('./targets/files.ts')).table,
  'json-file': async () => (await import('./targets/files.ts')).jsonFile,
  x12: async () => (await import('./targets/edi.ts')).x12,
  edifact: async () => (await import('./targets/edi.ts')).edifact,
  gzip: async () => (await import('./targets/archives.ts')).gzip,
  zip: async () => (await import('./targets/archives.ts')).zip,
  workbook: async () => (await import('./targets/archives.ts')).workbook,
  values: async () => (await import('./targets/values.ts')).values,
  parameters: async () => (await import('./targets/parameters.ts')).parameters,
  cursors: async () => (await import('./targets/parameters.ts')).cursors,
  'webhook-urls': async () => (await import('./targets/parameters.ts')).webhookUrls,
  rules: async () => (await import('./targets/rules.ts')).rules,
  settings: async () => (await import('./targets/rules.ts')).settings,
  http: async () => (await import('./targets/http.ts')).http,
};

export const TARGET_NAMES: readonly string[] = Object.keys(LOADERS);

/** Loads a target. Rejects if there is none of this name. */
export async function targetNamed(name: string): Promise<Target> {
  const load = LOADERS[name];
  if (load === undefined)
    throw new Error(`There is no target "${name}"; there are ${TARGET_NAMES.join(', ')}.`);
  return load();
}
