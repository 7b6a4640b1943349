import type { Random } from '../random.ts';

/** No mutation makes an input longer: the limits of the readers have tests of their own. */
export const INPUT_BYTES_MAX = 4096;

const REPEATED_MAX = 64;
const MUTATIONS_MAX = 6;

/** Bytes and numbers at which readers have boundaries. */
const ODD_BYTES = [
  0, 1, 9, 10, 13, 0x1a, 0x20, 0x22, 0x27, 0x2b, 0x2c, 0x2d, 0x30, 0x39, 0x7f, 0x80, 0xc2, 0xe2,
  0xf0, 0xff,
];
const ODD_NUMBERS = [
  '0',
  '-0',
  '1',
  '-1',
  '255',
  '256',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967296',
  '9007199254740992',
  '1e3',
  '1e999',
  '0.5',
  '00',
  '١',
  '½',
];
const ODD_TEXTS = [
  '\u00a0',
  '\u200b',
  '\ufeff',
  '\u2028',
  'é',
  '\u{1f600}',
  'İ',
  'ß',
  'ﬁ',
  '\u0301',
  '\0',
  '__proto__',
  'constructor',
  'null',
  'NULL',
  'NaN',
  'true',
];

type Mutation = (bytes: Buffer, random: Random, others: Pool) => Buffer;

/** What mutations take parts from. */
export interface Pool {
  readonly tokens: readonly string[];
  readonly inputs: readonly Buffer[];
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  removeRange,
  repeatRange,
  moveRange,
  insertToken,
  insertToken,
  replaceByToken,
  insertOdd,
  replaceNumber,
  splice,
  insertFromOther,
];

/** A new input from one of the pool. */
export function mutate(bytes: Buffer, random: Random, pool: Pool): Buffer {
  let mutated = bytes;
  const count = 1 + random.below(MUTATIONS_MAX);
  for (let i = 0; i < count; i += 1) {
    mutated = random.pick(MUTATIONS)(mutated, random, pool);
    if (mutated.length > INPUT_BYTES_MAX) mutated = mutated.subarray(0, INPUT_BYTES_MAX);
  }
  return mutated;
}

function flipBit(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length === 0) return copy;
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

function setByte(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0)
    copy[random.below(copy.length)] = random.chance(0.5)
      ? random.below(256)
      : random.pick(ODD_BYTES);
  return copy;
}

function rangeOf(bytes: Buffer, random: Random): readonly [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  const most = random.chance(0.7) ? 8 : bytes.length;
  return [from, Math.min(bytes.length, from + random.below(most + 1))];
}

function removeRange(bytes: Buffer, random: Random): Buffer {
  const [from, to] = rangeOf(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function repeatRange(bytes: Buffer, random: Random): Buffer {
  const [from, to] = rangeOf(bytes, random);
  const times = random.chance(0.8) ? 1 : random.below(REPEATED_MAX);
  const repeated = Array.from({ length: times }, () => bytes.subarray(from, to));
  return Buffer.concat([bytes.subarray(0, to), ...repeated, bytes.subarray(to)]);
}

function moveRange(bytes: Buffer, random: Random): Buffer {
  const [from, to] = rangeOf(bytes, random);
  const rest = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  return insertAt(rest, bytes.subarray(from, to), random);
}

function insertAt(bytes: Buffer, inserted: Uint8Array, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
}

function insertToken(bytes: Buffer, random: Random, { tokens }: Pool): Buffer {
  return insertAt(bytes, Buffer.from(random.pick(tokens)), random);
}

function replaceByToken(bytes: Buffer, random: Random, { tokens }: Pool): Buffer {
  const [from, to] = rangeOf(bytes, random);
  return Buffer.concat([
    bytes.subarray(0, from),
    Buffer.from(random.pick(tokens)),
    bytes.subarray(to),
  ]);
}

function insertOdd(bytes: Buffer, random: Random): Buffer {
  return insertAt(
    bytes,
    Buffer.from(random.pick(random.chance(0.5) ? ODD_TEXTS : ODD_NUMBERS)),
    random,
  );
}

function replaceNumber(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString('latin1');
  const numbers = [...text.matchAll(/[0-9]+/g)];
  if (numbers.length === 0) return bytes;
  const { 0: digits, index } = random.pick(numbers);
  const near = digits.length < 15 ? String(Number(digits) + random.below(3) - 1) : digits;
  const number = random.chance(0.5) ? near : random.pick(ODD_NUMBERS);
  return Buffer.concat([
    bytes.subarray(0, index),
    Buffer.from(number),
    bytes.subarray(index + digits.length),
  ]);
}

function splice(bytes: Buffer, random: Random, { inputs }: Pool): Buffer {
  const other = random.pick(inputs);
  return Buffer.concat([
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ]);
}

function insertFromOther(bytes: Buffer, random: Random, { inputs }: Pool): Buffer {
  const other = random.pick(inputs);
  const [from, to] = rangeOf(other, random);
  return insertAt(bytes, other.subarray(from, to), random);
}
