/** Reads the configuration file, and finds the line of each key. */
import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import { OnhandError } from '../domain/errors.ts';

/** The keys of a configuration file with their values, as TOML has them. */
export interface ConfigurationFile {
  readonly path: string;
  readonly entries: readonly (readonly [key: string, value: unknown])[];
  /** The line on which a key or table begins, counted from 1. */
  lineOf(key: string): number;
}

/**
 * Reads a configuration file.
 *
 * @throws OnhandError `parameter_invalid` with line and column if it is not TOML, or with the reason if it cannot be read
 */
export function readConfigurationFile(path: string): ConfigurationFile {
  const text = readText(path);
  try {
    const entries = Object.entries(parse(text));
    return { path, entries, lineOf: (key) => lineOf(text, key) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new OnhandError(
      'parameter_invalid',
      `${path}:${error.line}:${error.column}: this is not TOML: ${reason}. Write a setting as lines_max = 500000, and texts in quotes.`,
    );
  }
}

function readText(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is not UTF-8' : reasonOf(error);
    throw new OnhandError(
      'parameter_invalid',
      `The configuration file ${path} cannot be read: ${reason}. Correct --config or ONHAND_CONFIG, or run the command as a user that may read it.`,
    );
  }
}

/** Why a file cannot be read. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return code;
}

/** The key at the beginning of a line, in a table's brackets or before an equals sign or dot. */
const KEY = /^(?:\[{1,2}\s*)?(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))\s*[=.\]]/;

/**
 * The parser does not say where a key is. A key begins at a line that looks like it and before which the file is
 * complete TOML; otherwise the line is inside a text of several lines.
 */
function lineOf(text: string, key: string): number {
  const lines = text.split('\n');
  const index = lines.findIndex((line, i) => {
    const [, basic, literal, bare] = KEY.exec(line.trimStart()) ?? [];
    return (basic ?? literal ?? bare) === key && isComplete(lines.slice(0, i).join('\n'));
  });
  return Math.max(index, 0) + 1;
}

function isComplete(text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}
