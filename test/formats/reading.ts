import type { CatalogueRow } from '../../src/domain/catalogue.ts';
import { openCatalogue } from '../../src/formats/table/catalogue.ts';
import { parseColumnMap } from '../../src/formats/table/columns.ts';

/** A file's bytes as a stream gives them, cut wherever `chunkBytes` says. */
export async function* bytesOf(
  file: string | Uint8Array,
  chunkBytes = 64 * 1024,
): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(file);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    yield await Promise.resolve(bytes.subarray(at, at + chunkBytes));
  }
}

/** Everything that comes, in order. */
export async function all<T>(source: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of source) found.push(one);
  return found;
}

export interface ReadCatalogue {
  readonly unknownColumns: readonly string[];
  readonly rows: readonly CatalogueRow[];
}

/** A catalogue read whole. */
export async function readCatalogue(
  file: string | Uint8Array,
  columnMap = '',
): Promise<ReadCatalogue> {
  const { unknownColumns, rows } = await openCatalogue(
    { bytes: bytesOf(file) },
    parseColumnMap(columnMap),
  );
  return { unknownColumns, rows: await all(rows) };
}

/** What is complained of, each as `row kind column "value" reason`. */
export function complaintsOf({ rows }: ReadCatalogue): readonly string[] {
  return rows.flatMap(({ complaints }) =>
    complaints.map(
      ({ row, kind, column, value, reason }) =>
        `${row} ${kind} ${column === '' ? '-' : column} ${JSON.stringify(value)} ${reason}`,
    ),
  );
}
