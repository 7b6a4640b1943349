import { existsSync } from 'node:fs';

const BUNDLE = new URL('../../../bundled/kysely.js', import.meta.url);

// The package has 255 modules, which take longer to load than most commands run. scripts/bundle-kysely.ts puts them into
// one file; without it (if the bundler is not installed), the package is loaded.
const loaded = existsSync(BUNDLE)
  ? await import('../../../bundled/kysely.js')
  : await import('kysely');

/** What the stores use of Kysely, which builds SQL statements. Its types are imported from the package. */
export const {
  Kysely: QueryBuilder,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} = loaded;
