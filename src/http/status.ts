import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Organization } from '../domain/parties.ts';
import type { FileService } from '../files/service.ts';
import type { Intake } from '../intake/intake.ts';
import { countAttention } from '../notifications/attention.ts';
import type { OrganizationCount, Store } from '../store/store.ts';
import {
  ATTENTION_NAMES_MAX,
  ServerStatusSchema,
  type Attention,
  type ServerStatus,
} from '../wire/status.ts';
import { printTime } from '../wire/times.ts';
import { describe } from './documentation.ts';
import type { Admission } from './request/admission.ts';
import { checkParameters } from './request/parameters.ts';
import { sendJson } from './request/reply.ts';
import { addResource } from './request/resource.ts';

interface StatusRoutes {
  readonly admission: Admission;
  readonly store: Pick<Store, 'accounts' | 'files' | 'batches' | 'webhooks'>;
  readonly intake: Pick<Intake, 'waitingLines' | 'linesPerSecond'>;
  readonly files: { readonly files: Pick<FileService['files'], 'freeBytes'> };
  /** Resolves if the store can read and write. */
  readonly probe: () => Promise<unknown>;
  readonly version: string;
  readonly database: 'sqlite' | 'postgres';
}

/** Adds the status of the server, for its operators. */
export function addStatus(app: FastifyInstance, routes: StatusRoutes): void {
  const { admission, store, intake, files, probe, version, database } = routes;
  const started = printTime(Date.now());

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'operator');
    checkParameters(request, []);
    const ready = probe().then(
      () => true,
      () => false,
    );
    const [organizations, { openFiles, storedBytes }, freeBytes, attention] = await Promise.all([
      store.accounts.countOrganizations(),
      store.files.totals(),
      // There may be no directory for files.
      files.files.freeBytes().catch(() => null),
      attentionOf(store, Date.now()),
    ]);
    const status: ServerStatus = {
      version,
      database,
      started,
      ready: await ready,
      organizations: { ...organizations },
      lines_per_second: Math.round(intake.linesPerSecond * 10) / 10,
      files_waiting: openFiles,
      lines_waiting: intake.waitingLines,
      disk: { free_bytes: freeBytes, files_bytes: storedBytes },
      attention,
    };
    reply.header('cache-control', 'no-store');
    return sendJson(request, reply, JSON.stringify(status));
  };

  addResource(app, '/timp/status/', {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'getStatus',
        summary: 'Show the state of the server',
        access: 'operator',
        ok: ServerStatusSchema,
      }),
      handle: show,
    },
  });
}

/** What needs attention, by organization. */
async function attentionOf(
  store: StatusRoutes['store'],
  nowMs: number,
): Promise<ServerStatus['attention']> {
  const counts = await countAttention(store, nowMs);
  const shown = Object.values(counts).flatMap(mostFirst);
  const ids = [...new Set(shown.map(({ organizationId }) => organizationId))];
  const organizations = await store.accounts.findOrganizationsById(ids);
  const byId = new Map(organizations.map((organization) => [organization.id, organization]));
  return {
    late_suppliers: namedCounts(counts.late_suppliers, byId),
    held_files: namedCounts(counts.held_files, byId),
    paused_webhooks: namedCounts(counts.paused_webhooks, byId),
    expiring_tokens: namedCounts(counts.expiring_tokens, byId),
  };
}

function mostFirst(counts: readonly OrganizationCount[]): readonly OrganizationCount[] {
  return counts.toSorted((one, other) => other.count - one.count).slice(0, ATTENTION_NAMES_MAX);
}

function namedCounts(
  counts: readonly OrganizationCount[],
  organizations: ReadonlyMap<number, Organization>,
): Attention {
  return {
    total: counts.reduce((sum, { count }) => sum + count, 0),
    organizations: mostFirst(counts).flatMap(({ organizationId, count }) => {
      const organization = organizations.get(organizationId);
      if (organization === undefined) return [];
      const { uuid, name, type } = organization;
      return [{ uuid, name, type, count }];
    }),
  };
}
