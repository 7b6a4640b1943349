import { OnhandError } from '../domain/errors.ts';
import {
  PERMISSIONS,
  PERMISSIONS_OF_TYPE,
  type OrganizationType,
  type Permission,
} from '../domain/parties.ts';

/**
 * Reads the permissions asked for a user or a token of an organization: all that its type allows
 * where none are asked. Throws `parameter_invalid` where one is unknown or not for that type.
 */
export function parsePermissions(
  type: OrganizationType,
  asked: readonly string[],
): readonly Permission[] {
  const allowed = PERMISSIONS_OF_TYPE[type];
  for (const name of asked) {
    const permission = PERMISSIONS.find((known) => known === name);
    if (permission === undefined) {
      throw new OnhandError(
        'parameter_invalid',
        `There is no permission "${name}"; there are ${PERMISSIONS.join(', ')}.`,
      );
    }
    if (!allowed.includes(permission)) {
      throw new OnhandError(
        'parameter_invalid',
        `The permission ${permission} is not for a ${type}; allowed are ${allowed.join(', ')}.`,
      );
    }
  }
  return asked.length === 0 ? allowed : allowed.filter((permission) => asked.includes(permission));
}
