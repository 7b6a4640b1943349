import { OnhandError } from '../domain/errors.ts';
import {
  PERMISSIONS,
  PERMISSIONS_OF_TYPE,
  type OrganizationType,
  type Permission,
} from '../domain/parties.ts';

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
        `There is no permission "${name}"; the permissions are ${PERMISSIONS.join(', ')}.`,
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
