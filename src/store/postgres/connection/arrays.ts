/**
 * Array parameters in PostgreSQL's binary format. Printing and parsing ten thousand numbers as text would
 * cost both sides more than the work on them.
 *
 * Format: number of dimensions, whether there are nulls, the element type's OID; then length and lower
 * bound of the one dimension; then each element as its length in bytes (-1 for null) and its bytes. All of
 * these are big-endian 32-bit integers.
 */
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/** The OIDs of built-in types, which never change. */
const OIDS = { bytea: 17, int8: 20, int4: 23, text: 25 } as const;

const TWO_POW_32 = 2 ** 32;

type Numbers = ArrayLike<number | null>;

function writeHeader(buffer: Buffer, oid: number, count: number, hasNulls: boolean): void {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(hasNulls ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16);
}

/** An `int4[]`. */
export function int4Array(values: Numbers): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * (LENGTH_BYTES + 4));
  let offset = HEADER_BYTES;
  let hasNulls = false;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? null;
    if (value === null) {
      hasNulls = true;
      offset = buffer.writeInt32BE(NULL_LENGTH, offset);
    } else {
      offset = buffer.writeInt32BE(4, offset);
      offset = buffer.writeInt32BE(value, offset);
    }
  }
  writeHeader(buffer, OIDS.int4, values.length, hasNulls);
  return buffer.subarray(0, offset);
}

/** An `int8[]`. The values must be safe integers. */
export function int8Array(values: Numbers): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * (LENGTH_BYTES + 8));
  let offset = HEADER_BYTES;
  let hasNulls = false;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? null;
    if (value === null) {
      hasNulls = true;
      offset = buffer.writeInt32BE(NULL_LENGTH, offset);
    } else {
      const high = Math.floor(value / TWO_POW_32);
      offset = buffer.writeInt32BE(8, offset);
      offset = buffer.writeInt32BE(high, offset);
      offset = buffer.writeUInt32BE(value - high * TWO_POW_32, offset);
    }
  }
  writeHeader(buffer, OIDS.int8, values.length, hasNulls);
  return buffer.subarray(0, offset);
}

/** A `text[]`. The values must not contain NUL or lone surrogates, which PostgreSQL cannot store. */
export function textArray(values: readonly (string | null)[]): Buffer {
  let bytes = HEADER_BYTES;
  // A UTF-16 code unit takes at most three bytes in UTF-8.
  for (const value of values) bytes += LENGTH_BYTES + 3 * (value?.length ?? 0);
  const buffer = Buffer.allocUnsafe(bytes);
  let offset = HEADER_BYTES;
  let hasNulls = false;
  for (const value of values) {
    if (value === null) {
      hasNulls = true;
      offset = buffer.writeInt32BE(NULL_LENGTH, offset);
    } else {
      const length = buffer.write(value, offset + LENGTH_BYTES, 'utf8');
      buffer.writeInt32BE(length, offset);
      offset += LENGTH_BYTES + length;
    }
  }
  writeHeader(buffer, OIDS.text, values.length, hasNulls);
  return buffer.subarray(0, offset);
}

/** A `bytea[]`. */
export function byteaArray(values: readonly (Uint8Array | null)[]): Buffer {
  let bytes = HEADER_BYTES;
  for (const value of values) bytes += LENGTH_BYTES + (value?.length ?? 0);
  const buffer = Buffer.allocUnsafe(bytes);
  let offset = HEADER_BYTES;
  let hasNulls = false;
  for (const value of values) {
    if (value === null) hasNulls = true;
    offset = buffer.writeInt32BE(value?.length ?? NULL_LENGTH, offset);
    if (value === null) continue;
    buffer.set(value, offset);
    offset += value.length;
  }
  writeHeader(buffer, OIDS.bytea, values.length, hasNulls);
  return buffer;
}
