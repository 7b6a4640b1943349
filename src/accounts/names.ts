import { OnhandError } from '../domain/errors.ts';
import { NAME_LENGTH_MAX } from '../domain/parties.ts';

const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * Reads the name of an organization or a user: surrounding white space is dropped. Throws
 * `parameter_invalid` where nothing is left, it is longer than `NAME_LENGTH_MAX`, or it holds what
 * cannot be shown on one line.
 *
 * @param what what the name is called in that text, such as "The username"
 */
export function parseName(what: string, text: string): string {
  const name = text.trim();
  if (name === '') throw new OnhandError('parameter_invalid', `${what} is empty.`);
  if (name.length > NAME_LENGTH_MAX) {
    throw new OnhandError(
      'parameter_invalid',
      `${what} is longer than ${NAME_LENGTH_MAX} characters.`,
    );
  }
  if (CONTROL_CHARACTER.test(name) || !name.isWellFormed()) {
    throw new OnhandError(
      'parameter_invalid',
      `${what} holds control characters or half a character.`,
    );
  }
  return name;
}
