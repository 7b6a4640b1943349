import { OnhandError } from '../domain/errors.ts';
import { NAME_LENGTH_MAX } from '../domain/parties.ts';

const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * Trims and checks the name of an organization or a user. Throws `parameter_invalid` if it is empty, too long, or
 * cannot be displayed on one line.
 *
 * @param what how the error message calls the name, such as "The username"
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
      `${what} has control characters or half a character.`,
    );
  }
  return name;
}
