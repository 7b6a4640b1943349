import { expect, test } from 'vitest';
import {
  byteaArray,
  int4Array,
  int8Array,
  textArray,
} from '../../../src/store/postgres/connection/arrays.ts';
import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import { emptyPostgresDatabase } from './database.ts';

test('PostgreSQL reads array parameters with the values that were sent', async () => {
  const database = await emptyPostgresDatabase();
  const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
  const texts = ['', 'a', null, '"{},\\', 'é', '😀'.repeat(256), 'NULL'];
  const small = [0, -1, null, 2_147_483_647, -2_147_483_648];
  const large = [0, -1, null, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 32, -(2 ** 32), 99_999_999_999_999];
  const bytes = [new Uint8Array([0, 255, 92]), null, new Uint8Array(0)];
  try {
    const [row] = await read(
      pool,
      `SELECT $1::text[] AS texts, $2::integer[] AS small, $3::bigint[]::text[] AS large,
         $4::bytea[] AS bytes, $5::integer[] AS ofcolumn, cardinality($6::bigint[]) AS none`,
      [
        textArray(texts),
        int4Array(small),
        int8Array(large),
        byteaArray(bytes),
        int4Array(Int32Array.of(7, 8)),
        int8Array([]),
      ],
    );
    expect(row).toEqual({
      texts,
      small,
      large: large.map((number) => (number === null ? null : String(number))),
      bytes: bytes.map((one) => one && Buffer.from(one)),
      ofcolumn: [7, 8],
      none: 0,
    });
  } finally {
    await pool.close();
    await database.remove();
  }
});
