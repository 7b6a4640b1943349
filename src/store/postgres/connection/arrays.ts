/**
 * Columns on their way to PostgreSQL, as arrays in its binary format: to write ten thousand numbers as text
 * and read them again would cost both sides more than what is done with them.
 *
 * An array is: how many dimensions, whether it has nulls, the type of its elements, and for its one
 * dimension the length and the first index; then each element as its length in bytes (-1 is null) and its
 * bytes. All are big-endian 32-bit numbers.
 */
const HEAD_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/** What PostgreSQL calls its types on the wire; these numbers never change. */
const TYPES = { bytea: 17, int8: 20, int4: 23, text: 25 } as const;

const TWO_POW_32 = 2 ** 32;

/** Numbers or nulls, in a list or in a column of a batch. */
type Numbers = ArrayLike<number | null>;

function writeHead(buffer: Buffer, type: number, count: number, hasNulls: boolean): void {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(hasNulls ? 1 : 0, 4);
  buffer.writeInt32BE(type, 8);
  buffer.writeInt32BE(count, 12);
  buffer.writeInt32BE(1, 16);
}

/** An `int4[]`. */
export function int4Array(values: Numbers): Buffer {
  const buffer = Buffer.allocUnsafe(HEAD_BYTES + values.length * (LENGTH_BYTES + 4));
  let at = HEAD_BYTES;
  let hasNulls = false;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? null;
    if (value === null) {
      hasNulls = true;
      at = buffer.writeInt32BE(NULL_LENGTH, at);
    } else {
      at = buffer.writeInt32BE(4, at);
      at = buffer.writeInt32BE(value, at);
    }
  }
  writeHead(buffer, TYPES.int4, values.length, hasNulls);
  return buffer.subarray(0, at);
}

/** An `int8[]`, of numbers that JavaScript holds exactly. */
export function int8Array(values: Numbers): Buffer {
  const buffer = Buffer.allocUnsafe(HEAD_BYTES + values.length * (LENGTH_BYTES + 8));
  let at = HEAD_BYTES;
  let hasNulls = false;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? null;
    if (value === null) {
      hasNulls = true;
      at = buffer.writeInt32BE(NULL_LENGTH, at);
    } else {
      const high = Math.floor(value / TWO_POW_32);
      at = buffer.writeInt32BE(8, at);
      at = buffer.writeInt32BE(high, at);
      at = buffer.writeUInt32BE(value - high * TWO_POW_32, at);
    }
  }
  writeHead(buffer, TYPES.int8, values.length, hasNulls);
  return buffer.subarray(0, at);
}

/** A `text[]`. No text may have NUL or a lone surrogate: PostgreSQL can hold neither. */
export function textArray(values: readonly (string | null)[]): Buffer {
  let bytes = HEAD_BYTES;
  // A UTF-16 code unit takes three bytes of UTF-8 at most.
  for (const value of values) bytes += LENGTH_BYTES + 3 * (value?.length ?? 0);
  const buffer = Buffer.allocUnsafe(bytes);
  let at = HEAD_BYTES;
  let hasNulls = false;
  for (const value of values) {
    if (value === null) {
      hasNulls = true;
      at = buffer.writeInt32BE(NULL_LENGTH, at);
    } else {
      const length = buffer.write(value, at + LENGTH_BYTES, 'utf8');
      buffer.writeInt32BE(length, at);
      at += LENGTH_BYTES + length;
    }
  }
  writeHead(buffer, TYPES.text, values.length, hasNulls);
  return buffer.subarray(0, at);
}

/** A `bytea[]`. */
export function byteaArray(values: readonly (Uint8Array | null)[]): Buffer {
  let bytes = HEAD_BYTES;
  for (const value of values) bytes += LENGTH_BYTES + (value?.length ?? 0);
  const buffer = Buffer.allocUnsafe(bytes);
  let at = HEAD_BYTES;
  let hasNulls = false;
  for (const value of values) {
    if (value === null) hasNulls = true;
    at = buffer.writeInt32BE(value?.length ?? NULL_LENGTH, at);
    if (value === null) continue;
    buffer.set(value, at);
    at += value.length;
  }
  writeHead(buffer, TYPES.bytea, values.length, hasNulls);
  return buffer;
}
