/** Command lines to paste into a shell. */
import type { Command } from 'commander';

/** Options whose values are not to be shown. */
const SECRETS: readonly string[] = ['token'];

/**
 * The command line of a command that was parsed, with one file as its argument. Secrets are left out.
 *
 * @param more further options, each with its value
 */
export function commandLineOf(
  command: Command,
  path: string,
  more: readonly (readonly [option: string, value: string])[],
): string {
  const replaced = more.map(([option]) => option);
  const words = [path];
  for (const option of command.options) {
    const name = option.attributeName();
    const value: unknown = command.getOptionValue(name);
    const isGiven =
      command.getOptionValueSource(name) === 'cli' && option.negate === (value === false);
    if (!isGiven || SECRETS.includes(name) || replaced.includes(option.long ?? '')) continue;
    words.push(option.long ?? '');
    if (typeof value !== 'boolean') words.push(String(value));
  }
  for (const [option, value] of more) words.push(option, value);
  return [...namesOf(command), ...words.map(shellWord)].join(' ');
}

function namesOf(command: Command): readonly string[] {
  return [...(command.parent === null ? [] : namesOf(command.parent)), command.name()];
}

/** A word as a POSIX shell reads it. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
