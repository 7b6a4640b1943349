import { OnhandError } from '../domain/errors.ts';
import {
  NAME_LENGTH_MAX,
  PERMISSIONS,
  PERMISSIONS_OF_TYPE,
  type OrganizationType,
  type Permission,
} from '../domain/parties.ts';

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

/**
 * Checks the permissions requested for a user or a token of an organization. Without a request, they are all that its
 * type allows. Throws `parameter_invalid` for one that is unknown or not allowed for the type.
 */
export function parsePermissions(
  type: OrganizationType,
  requested: readonly string[],
): readonly Permission[] {
  const allowed = PERMISSIONS_OF_TYPE[type];
  for (const name of requested) {
    const permission = PERMISSIONS.find((candidate) => candidate === name);
    if (permission === undefined) {
      throw new OnhandError(
        'parameter_invalid',
        `There is no permission "${name}"; the permissions are ${allowed.join(', ')}.`,
      );
    }
    if (!allowed.includes(permission)) {
      throw new OnhandError(
        'parameter_invalid',
        `The permission ${permission} is not allowed for a ${type}; allowed are ${allowed.join(', ')}.`,
      );
    }
  }
  return requested.length === 0
    ? allowed
    : allowed.filter((permission) => requested.includes(permission));
}
