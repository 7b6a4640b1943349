import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { Organization, OrganizationType } from '../../domain/parties.ts';
import type { Store } from '../../store/store.ts';
import { parseBody } from '../../wire/json.ts';
import {
  ConnectionDraftSchema,
  ConnectionListQuerySchema,
  ConnectionPageSchema,
  OrganizationChangeSchema,
  OrganizationDraftSchema,
  OrganizationListQuerySchema,
  OrganizationPageSchema,
  OrganizationSchema,
  parseConnectionDraft,
  parseConnectionList,
  parseOrganizationChange,
  parseOrganizationDraft,
  parseOrganizationList,
  printConnections,
  printOrganization,
  type SupplierLimits,
} from '../../wire/organizations.ts';
import { printPagination } from '../../wire/pagination.ts';
import { uuid } from '../../wire/schema.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { readBody, type ServerBodyLimits, smallBodyLimits } from '../request/body.ts';
import { checkParameters, queryOf, uuidOf, uuidParameter } from '../request/parameters.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import { memberName } from './access.ts';
import { authorOf } from './author.ts';

interface OrganizationRoutes {
  readonly admission: Admission;
  readonly store: Pick<Store, 'accounts' | 'batches' | 'changes'>;
  readonly limits: ServerBodyLimits;
}

const PATH = '/timp/organizations/';
const CONNECTIONS_PATH = `${PATH}connections/`;
const ORGANIZATION_EXPECTED =
  'a JSON object such as {"type": "supplier", "name": "Acme Housewares"}';
const CHANGE_EXPECTED = 'a JSON object such as {"expected_interval_minutes": 60}';
const CONNECTION_EXPECTED = 'a JSON object such as {"supplier": "<uuid>", "retailer": "<uuid>"}';

/** Adds the organizations and connections of the server, for its operators. */
export function addOrganizations(app: FastifyInstance, routes: OrganizationRoutes): void {
  const { admission, store, limits } = routes;
  const { accounts } = store;
  const bodyLimits = smallBodyLimits(limits);

  const read = async (request: FastifyRequest, expected: string): Promise<unknown> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, []);
    return parseBody(body, expected).value;
  };

  const printed = async (
    organization: Organization,
    intervals: ReadonlyMap<number, number | null>,
  ) => {
    const ofSupplier = async (): Promise<SupplierLimits> => ({
      expectedMinutes: intervals.get(organization.id) ?? null,
      safetyLimit: await store.batches.safetyLimitOf(organization.id),
    });
    return printOrganization(
      organization,
      organization.type === 'supplier' ? await ofSupplier() : undefined,
    );
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'operator');
    checkParameters(request, Object.keys(OrganizationListQuerySchema.properties));
    const { q, ...page } = parseOrganizationList(queryOf(request));
    const [{ totalCount, organizations }, intervals] = await Promise.all([
      accounts.pageOfOrganizations({ ...page, nameContains: q }),
      store.changes.expectedIntervals(),
    ]);
    return sendJson(
      request,
      reply,
      JSON.stringify({
        pagination: printPagination(page, totalCount),
        organizations: await Promise.all(organizations.map((each) => printed(each, intervals))),
      }),
    );
  };

  const by = (request: FastifyRequest) =>
    accounts.by(authorOf(request, admission.principalOf(request)));

  const create = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'operator');
    const { type, name } = parseOrganizationDraft(await read(request, ORGANIZATION_EXPECTED));
    const draft = { type, name: memberName('name', name) };
    const made = await admission.writing(request, () => by(request).createOrganization(draft));
    reply.code(201).header('location', `${PATH}${made.uuid}/`);
    return sendJson(request, reply, JSON.stringify(await printed(made, new Map())));
  };

  const find = async (uuidSent: string | undefined): Promise<Organization> => {
    const [organization] = await accounts.findOrganizationsByUuid(
      uuidSent === undefined ? [] : [uuidSent],
    );
    if (organization !== undefined) return organization;
    throw new OnhandError('organization_not_found', 'There is no organization with this uuid.');
  };

  const change = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'operator');
    const edit = parseOrganizationChange(await read(request, CHANGE_EXPECTED));
    const { id, uuid: found, type } = await find(uuidOf(request));
    const { disabled, expected_interval_minutes: minutes, safety_limit: limit } = edit;
    if (type !== 'supplier' && (minutes !== undefined || limit !== undefined)) {
      throw new OnhandError(
        'member_invalid',
        `expected_interval_minutes and safety_limit are for suppliers, and this is a ${type}.`,
      );
    }
    if (disabled === true && id === admission.principalOf(request).organizationId) {
      throw new OnhandError('member_invalid', 'You cannot disable your own organization.');
    }
    const name = edit.name === undefined ? undefined : memberName('name', edit.name);
    await admission.writing(request, async () => {
      // The name may be taken: it comes first, so that nothing has changed then.
      if (name !== undefined) await by(request).renameOrganization(id, name);
      if (minutes !== undefined) {
        const author = authorOf(request, admission.principalOf(request));
        await store.changes.setExpectedInterval(id, minutes, author);
      }
      if (limit !== undefined) {
        const own = limit && { percentMax: limit.percent, skusMin: limit.skus_min };
        await store.batches.setSafetyLimit(
          id,
          own,
          authorOf(request, admission.principalOf(request)),
        );
      }
      if (disabled !== undefined) await by(request).setOrganizationDisabled(id, disabled);
    });
    const intervals = await store.changes.expectedIntervals();
    return sendJson(request, reply, JSON.stringify(await printed(await find(found), intervals)));
  };

  addResource(app, PATH, {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'listOrganizations',
        summary: 'List the organizations of the server, by name',
        access: 'operator',
        query: OrganizationListQuerySchema,
        ok: OrganizationPageSchema,
      }),
      handle: list,
    },
    POST: {
      schema: describe({
        group: 'Accounts',
        operationId: 'createOrganization',
        summary: 'Create a supplier, a retailer or an operator',
        access: 'operator',
        body: OrganizationDraftSchema,
        ok: OrganizationSchema,
        okStatus: 201,
        problems: { 422: 'The name is taken.' },
      }),
      handle: create,
    },
  });
  addResource(app, `${PATH}:uuid/`, {
    PATCH: {
      schema: describe({
        group: 'Accounts',
        operationId: 'changeOrganization',
        summary: 'Rename or disable an organization, or set the limits of a supplier',
        params: Type.Object({ uuid: uuid('The organization.') }),
        access: 'operator',
        body: OrganizationChangeSchema,
        ok: OrganizationSchema,
        problems: { 404: 'There is no such organization.', 422: 'The name is taken.' },
      }),
      handle: change,
    },
  });
  addConnections(app, routes, read);
}

/** Adds the connections, by which retailers read the SKUs of suppliers. */
function addConnections(
  app: FastifyInstance,
  { admission, store: { accounts } }: OrganizationRoutes,
  read: (request: FastifyRequest, expected: string) => Promise<unknown>,
): void {
  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'operator');
    checkParameters(request, Object.keys(ConnectionListQuerySchema.properties));
    const page = parseConnectionList(queryOf(request));
    const connections = await accounts.listConnections();
    return sendJson(request, reply, JSON.stringify(printConnections(page, connections)));
  };

  /** The ids of both. Throws `member_invalid` if one does not exist or has the other type. */
  const idsOf = async (parties: { readonly supplier: string; readonly retailer: string }) => {
    const supplier = parties.supplier.toLowerCase();
    const retailer = parties.retailer.toLowerCase();
    const found = await accounts.findOrganizationsByUuid([supplier, retailer]);
    const idOf = (type: OrganizationType, uuidSent: string): number | undefined =>
      found.find((each) => each.type === type && each.uuid === uuidSent)?.id;
    return { supplierId: idOf('supplier', supplier), retailerId: idOf('retailer', retailer) };
  };

  const by = (request: FastifyRequest) =>
    accounts.by(authorOf(request, admission.principalOf(request)));

  const connect = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'operator');
    const draft = parseConnectionDraft(await read(request, CONNECTION_EXPECTED));
    const { supplierId, retailerId } = await idsOf(draft);
    if (supplierId === undefined || retailerId === undefined) {
      const wrong = supplierId === undefined ? 'supplier' : 'retailer';
      throw new OnhandError('member_invalid', `There is no ${wrong} with the uuid in ${wrong}.`);
    }
    await admission.writing(request, () => by(request).createConnection(supplierId, retailerId));
    return reply.code(204).send();
  };

  const disconnect = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'operator');
    checkParameters(request, []);
    const supplier = uuidParameter(request, 'supplier') ?? '';
    const retailer = uuidParameter(request, 'retailer') ?? '';
    const { supplierId, retailerId } = await idsOf({ supplier, retailer });
    const existed =
      supplierId !== undefined &&
      retailerId !== undefined &&
      (await admission.writing(request, () =>
        by(request).removeConnection(supplierId, retailerId),
      ));
    if (existed) return reply.code(204).send();
    throw new OnhandError(
      'connection_not_found',
      'This retailer is not connected to this supplier. GET /timp/organizations/connections/ lists all connections.',
    );
  };

  addResource(app, CONNECTIONS_PATH, {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'listConnections',
        summary: 'List which retailers read which suppliers',
        access: 'operator',
        query: ConnectionListQuerySchema,
        ok: ConnectionPageSchema,
      }),
      handle: list,
    },
    POST: {
      schema: describe({
        group: 'Accounts',
        operationId: 'createConnection',
        summary: 'Let a retailer read the SKUs of a supplier',
        description: 'Repeating it changes nothing.',
        access: 'operator',
        body: ConnectionDraftSchema,
      }),
      handle: connect,
    },
  });
  addResource(app, `${CONNECTIONS_PATH}:supplier/:retailer/`, {
    DELETE: {
      schema: describe({
        group: 'Accounts',
        operationId: 'removeConnection',
        summary: 'End the access of a retailer to a supplier',
        params: Type.Object({ supplier: uuid('The supplier.'), retailer: uuid('The retailer.') }),
        access: 'operator',
        problems: { 404: 'There is no such connection.' },
      }),
      handle: disconnect,
    },
  });
}
