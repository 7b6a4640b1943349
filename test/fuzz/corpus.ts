import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A corpus is a file with one input per line: a JSON text whose characters are the bytes. */
function pathOf(target: string): string {
  return fileURLToPath(new URL(`corpora/${target}.jsonl`, import.meta.url));
}

export function readCorpus(target: string): readonly Buffer[] {
  const path = pathOf(target);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map(parseInput);
}

export function writeCorpus(target: string, inputs: readonly Buffer[]): void {
  writeFileSync(pathOf(target), inputs.map((input) => `${printInput(input)}\n`).join(''));
}

/** An input as one line of ASCII. */
export function printInput(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1')).replaceAll(
    /[\u007f-\u00ff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Throws if the line is not what `printInput` wrote. */
export function parseInput(line: string): Buffer {
  const text: unknown = JSON.parse(line);
  if (typeof text !== 'string') throw new Error('an input is a text in quotes');
  return Buffer.from(text, 'latin1');
}
