import { ERROR_CODES, OnhandError } from '../../src/domain/errors.ts';
import type { Random } from '../random.ts';

/** One reader under test. */
export interface Target {
  readonly name: string;
  /** Texts that inputs of this format contain; mutations insert them. */
  readonly tokens: readonly string[];
  /** The inputs that a run begins with, besides the saved corpus. */
  readonly seeds: readonly (string | Uint8Array)[];
  /**
   * Reads one input. Throws if the reader breaks a promise; it may refuse the input.
   *
   * @param random depends only on the input, so that a failure repeats
   */
  run(bytes: Buffer, random: Random): void | Promise<void>;
  /** Compares what was read from some inputs with another implementation, in another process. Throws `Disagreement`. */
  compare?(inputs: readonly Buffer[]): Promise<void>;
  close?(): Promise<void>;
}

/** Thrown when two readings of one input differ. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement';
  /** The input, if several were compared. */
  readonly input: Buffer | undefined;

  constructor(what: string, shown: Readonly<Record<string, unknown>>, input?: Buffer) {
    const details = Object.entries(shown).map(([name, value]) => `\n  ${name}: ${print(value)}`);
    super(what + details.join(''));
    this.input = input;
  }
}

const SHOWN_CHARACTERS = 600;

function print(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, SHOWN_CHARACTERS);
}

/** Messages quote the input at most in part. */
const MESSAGE_CHARACTERS_MAX = 20_000;

/** Throws unless a message can be shown: well-formed, not empty and of bounded length. */
export function checkMessage(message: string): void {
  if (message.length > 0 && message.length <= MESSAGE_CHARACTERS_MAX && message.isWellFormed())
    return;
  throw new Disagreement('a message that cannot be shown', { length: message.length, message });
}

/** What a reader returned, or the code and message with which it refused the input. */
export type Outcome<Value> =
  { readonly value: Value } | { readonly refused: string; readonly message: string };

/** Runs a reader. Throws any error except a refusal that can be shown. */
export function outcomeOf<Value>(read: () => Value): Outcome<Value> {
  try {
    return { value: read() };
  } catch (error) {
    return refusalOf(error);
  }
}

/** The same for an asynchronous reader. */
export async function outcomeOfAsync<Value>(read: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await read() };
  } catch (error) {
    return refusalOf(error);
  }
}

function refusalOf(error: unknown): { readonly refused: string; readonly message: string } {
  if (!(error instanceof OnhandError)) throw error;
  const { code, message } = error;
  if (code === 'internal' || !ERROR_CODES.includes(code))
    throw new Disagreement('a refusal whose code reports a failure of the server', {
      code,
      message,
    });
  checkMessage(message);
  return { refused: code, message };
}

/** Throws unless both readings are the same, compared as JSON. */
export function expectSame(what: string, one: unknown, other: unknown): void {
  const [a, b] = [canonical(one), canonical(other)];
  if (a !== b) throw new Disagreement(what, differenceOf(a, b));
}

export function expectThat(isRight: boolean, what: string, shown: unknown): void {
  if (!isRight) throw new Disagreement(what, { shown });
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_name, part: unknown) => {
      if (part instanceof Map) return [...part];
      if (ArrayBuffer.isView(part) && !(part instanceof DataView))
        return [...Buffer.from(part.buffer, part.byteOffset, part.byteLength)];
      if (typeof part === 'number' && !Number.isFinite(part)) return String(part);
      return Object.is(part, -0) ? '-0' : part;
    }) ?? 'undefined'
  );
}

/** The parts around the first difference. */
function differenceOf(a: string, b: string): { readonly one: string; readonly other: string } {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const from = Math.max(0, at - 80);
  return { one: a.slice(from, at + 200), other: b.slice(from, at + 200) };
}

/** Cuts bytes at random places: a reader must not depend on how they arrive. */
export function cut(bytes: Buffer, random: Random): readonly Buffer[] {
  const parts: Buffer[] = [];
  // Single bytes now and then, otherwise parts of a few.
  const most = random.chance(0.3) ? 1 : 1 + random.below(Math.max(1, bytes.length));
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random.below(most);
    parts.push(bytes.subarray(at, end));
    at = end;
  }
  return parts;
}
