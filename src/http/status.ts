import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { FileService } from '../files/service.ts';
import type { Intake } from '../intake/intake.ts';
import type { Store } from '../store/store.ts';
import { ServerStatusSchema } from '../wire/organizations.ts';
import { printTime } from '../wire/times.ts';
import { describe } from './documentation.ts';
import type { Admission } from './request/admission.ts';
import { checkParameters } from './request/parameters.ts';
import { sendJson } from './request/reply.ts';
import { addResource } from './request/resource.ts';

interface StatusRoutes {
  readonly admission: Admission;
  readonly store: Pick<Store, 'accounts' | 'files'>;
  readonly intake: Pick<Intake, 'waitingLines'>;
  readonly files: { readonly files: Pick<FileService['files'], 'freeBytes'> };
  /** Resolves if the store can read and write. */
  readonly probe: () => Promise<void>;
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
    const [organizations, { openFiles, storedBytes }, freeBytes] = await Promise.all([
      store.accounts.countOrganizations(),
      store.files.totals(),
      // There may be no directory for files.
      files.files.freeBytes().catch(() => null),
    ]);
    const status: Static<typeof ServerStatusSchema> = {
      version,
      database,
      started,
      ready: await ready,
      organizations: { ...organizations },
      files_waiting: openFiles,
      lines_waiting: intake.waitingLines,
      disk: { free_bytes: freeBytes, files_bytes: storedBytes },
    };
    reply.header('cache-control', 'no-store');
    return sendJson(request, reply, JSON.stringify(status));
  };

  addResource(app, '/timp/status/', {
    GET: {
      schema: describe({
        operationId: 'getStatus',
        summary: 'Show the state of the server',
        access: 'operator',
        ok: ServerStatusSchema,
      }),
      handle: show,
    },
  });
}
