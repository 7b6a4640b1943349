/** An operator names the organization that a request is for; other clients always act for their own. */
import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { PERMISSIONS_OF_TYPE, type Organization, type Principal } from '../../domain/parties.ts';
import type { AccountStore } from '../../store/store.ts';
import { ACTING_PARAMETERS, sentQueryOf } from '../request/parameters.ts';
import type { Access } from './authenticate.ts';

/** Operations that belong to an organization. The others are the user's or the operator's own. */
export const ACTED: ReadonlySet<Access> = new Set([
  'viewer',
  'owner',
  'editor',
  'webhook_manager',
  'access_manager',
]);

/**
 * The organization that an operator names with `supplier` or `organization` in the query; undefined if it names none,
 * or the sender is no operator. Rejects with `parameter_invalid` or `permission_missing`.
 */
export async function organizationActedFor(
  accounts: Pick<AccountStore, 'findOrganizationsByUuid'>,
  principal: Principal,
  request: FastifyRequest,
  access: Access,
): Promise<Organization | undefined> {
  if (principal.organizationType !== 'operator' || !ACTED.has(access)) return undefined;
  const query = sentQueryOf(request);
  const named = ACTING_PARAMETERS.flatMap((name) =>
    (query.get(name) ?? []).map((uuid) => ({ name, uuid })),
  );
  const [first, ...more] = named;
  if (first === undefined) return undefined;
  if (more.length > 0) throw invalid('supplier or organization must be given once.');
  if (access === 'access_manager' && !principal.permissions.includes('manage_organizations')) {
    throw new OnhandError(
      'permission_missing',
      'Tokens and users of another organization need the permission manage_organizations.',
    );
  }
  const [organization] = await accounts.findOrganizationsByUuid([first.uuid.toLowerCase()]);
  const isFit = first.name === 'organization' || organization?.type === 'supplier';
  if (organization === undefined || !isFit) {
    throw invalid(`${first.name} ${JSON.stringify(first.uuid.slice(0, 64))} does not exist.`);
  }
  return organization;
}

/** The operator's client as one of that organization: never with a permission that the operator's token lacks. */
export function principalFor(principal: Principal, organization: Organization): Principal {
  const allowed = PERMISSIONS_OF_TYPE[organization.type];
  return {
    ...principal,
    organizationId: organization.id,
    organizationName: organization.name,
    organizationType: organization.type,
    permissions: principal.permissions.filter((permission) => allowed.includes(permission)),
  };
}

function invalid(message: string): OnhandError {
  return new OnhandError('parameter_invalid', message);
}
