import type { CatalogueRow } from '../../src/domain/catalogue.ts';
import { openCatalogue } from '../../src/formats/table/catalogue.ts';
import { FORMAT_LIMITS } from './limits.ts';
import { NO_RULES, parseColumnMappings } from '../../src/domain/reading-rules.ts';

/** A file's bytes as a stream, in chunks of `chunkBytes`. */
export async function* bytesOf(
  file: string | Uint8Array,
  chunkBytes = 64 * 1024,
): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(file);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    yield await Promise.resolve(bytes.subarray(at, at + chunkBytes));
  }
}

/** All elements of a source, in order. */
export async function all<T>(source: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of source) found.push(one);
  return found;
}

export interface ReadCatalogue {
  readonly unknownColumns: readonly string[];
  readonly rows: readonly CatalogueRow[];
}

function rowOf({ row, entry, gtins, complaints }: CatalogueRow): CatalogueRow {
  return { row, entry, gtins, complaints };
}

/** Reads a whole catalogue. */
export async function readCatalogue(
  file: string | Uint8Array,
  columnMap = '',
): Promise<ReadCatalogue> {
  const { unknownColumns, rows, close } = await openCatalogue(
    { bytes: bytesOf(file) },
    { ...NO_RULES, columns: parseColumnMappings(columnMap) },
    FORMAT_LIMITS,
  );
  try {
    const read = await all(rows);
    return { unknownColumns, rows: read.map(rowOf) };
  } finally {
    await close();
  }
}

/** All complaints, each as `row kind column "value" reason`. */
export function complaintsOf({ rows }: ReadCatalogue): readonly string[] {
  return rows.flatMap(({ complaints }) =>
    complaints.map(
      ({ row, kind, column, value, reason }) =>
        `${row} ${kind} ${column === '' ? '-' : column} ${JSON.stringify(value)} ${reason}`,
    ),
  );
}
