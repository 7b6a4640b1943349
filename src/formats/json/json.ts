import { OnhandError } from '../../domain/errors.ts';
import type { LineDraft } from '../../domain/lines.ts';
import { readJsonElements } from './elements.ts';
import type { FormatLimits } from '../limits.ts';
import { refusedRow, type FeedRow } from '../rows.ts';

/**
 * Reads one line of JSON: its value, and the text that it was parsed from. One reader reads the lines
 * of one feed, from the first to the last. It is handed in, so that a line means in a file what it
 * means in a request, and there is one place that says what that is.
 */
export type JsonLineReader = (value: unknown, text: string) => LineDraft;

/**
 * The elements of a JSON array as rows, numbered from 1. An array that is not well-formed is refused
 * as a whole (`body_malformed`): where it breaks, nobody can tell where the next line begins.
 */
export async function* readJsonArray(
  text: AsyncIterable<string>,
  readLine: JsonLineReader,
  limits: FormatLimits,
): AsyncGenerator<readonly FeedRow[]> {
  let row = 0;
  for await (const elements of readJsonElements(text, limits)) {
    yield elements.map((element) => {
      row += 1;
      return { row, cells: [element], line: readLine(parseElement(element, row), element) };
    });
  }
}

function parseElement(element: string, row: number): unknown {
  try {
    return JSON.parse(element);
  } catch (error) {
    throw new OnhandError(
      'body_malformed',
      `Element ${row} of the array is no JSON: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

/**
 * The lines of NDJSON as rows, numbered as lines of the file; blank ones are left out. One that is no
 * JSON is refused by itself, as is one that is longer than the limit.
 */
export async function* readNdjson(
  text: AsyncIterable<string>,
  readLine: JsonLineReader,
  limits: FormatLimits,
): AsyncGenerator<readonly FeedRow[]> {
  let row = 0;
  for await (const lines of readLines(text, limits.rowCharactersMax)) {
    const rows: FeedRow[] = [];
    for (const line of lines) {
      row += 1;
      if (line === null) rows.push(tooLong(row, limits.rowCharactersMax));
      else if (line.trim() !== '') rows.push(readNdjsonLine(line, row, readLine));
    }
    if (rows.length > 0) yield rows;
  }
}

function readNdjsonLine(line: string, row: number, readLine: JsonLineReader): FeedRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return refusedRow(row, [line], `Line ${row} is no JSON: ${messageOf(error)}.`);
  }
  return { row, cells: [line], line: readLine(value, line) };
}

function tooLong(row: number, charactersMax: number): FeedRow {
  return refusedRow(row, [], `Line ${row} is longer than ${charactersMax} characters.`);
}

/** Lines in pieces, without their ends; null for one that is too long, of which nothing is kept. */
async function* readLines(
  text: AsyncIterable<string>,
  charactersMax: number,
): AsyncGenerator<readonly (string | null)[]> {
  let pending = '';
  let isTooLong = false;
  for await (const piece of text) {
    const [first = '', ...rest] = piece.split('\n');
    pending += first;
    isTooLong ||= pending.length > charactersMax;
    if (isTooLong) pending = '';
    if (rest.length === 0) continue;
    const last = rest.pop() ?? '';
    const whole = rest.map((line) => (line.length > charactersMax ? null : line));
    yield [isTooLong ? null : pending, ...whole];
    pending = last;
    isTooLong = pending.length > charactersMax;
    if (isTooLong) pending = '';
  }
  if (isTooLong || pending !== '') yield [isTooLong ? null : pending];
}

/** What the parser says, without the text that it repeats. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split(/, (?:\.\.\.)?"/)[0] ?? message).slice(0, MESSAGE_CHARACTERS_MAX);
}

const MESSAGE_CHARACTERS_MAX = 100;
