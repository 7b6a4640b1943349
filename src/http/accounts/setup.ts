import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FirstSetup } from '../../accounts/first-setup.ts';
import { login } from '../../accounts/credentials.ts';
import type { DemoLogin } from '../../domain/parties.ts';
import { parseBody } from '../../wire/json.ts';
import { parseSetup, SetupNeedSchema, SetupSchema, SessionSchema } from '../../wire/sessions.ts';
import { describe } from '../documentation.ts';
import { checkParameters } from '../request/parameters.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import { memberName } from './access.ts';
import { replyWithSession, sessionKindOf, type SessionRoutes } from './sessions.ts';

interface SetupRoutes extends SessionRoutes {
  readonly setup: FirstSetup;
  /** The users of a demo, with their passwords; undefined for any other server. */
  readonly demoLogins: readonly DemoLogin[] | undefined;
}

const SETUP_PATH = '/timp/organizations/setup/';
const SETUP_EXPECTED =
  'a JSON object such as {"secret": "…", "organization": "Example Ltd", "username": "jo", "password": "…"}';

/** Adds the creation of a server's first user, and the logins of a demo. */
export function addSetup(app: FastifyInstance, routes: SetupRoutes): void {
  const { accounts, attempts, cookie, setup, demoLogins } = routes;

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    reply.header('cache-control', 'no-store');
    return sendJson(request, reply, JSON.stringify({ is_needed: await setup.isNeeded() }));
  };

  const complete = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await attempts.readBody(request);
    checkParameters(request, []);
    const { secret, ...sent } = parseSetup(parseBody(body, SETUP_EXPECTED).value);
    const draft = {
      organization: memberName('organization', sent.organization),
      username: memberName('username', sent.username),
      password: sent.password,
    };
    await setup.complete(secret, draft);
    const kind = sessionKindOf(request, routes.lifetimes);
    const session = await login(accounts, draft, Date.now(), wasSetNow, kind);
    return replyWithSession(cookie, request, reply, { username: draft.username, session });
  };

  addResource(app, SETUP_PATH, {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'isSetupNeeded',
        summary: 'Whether the server has no user yet',
        ok: SetupNeedSchema,
      }),
      handle: show,
    },
    POST: {
      schema: describe({
        group: 'Accounts',
        operationId: 'setUp',
        summary: 'Create the operator and first user of a new server, and log in',
        body: SetupSchema,
        ok: SessionSchema,
        okStatus: 201,
        problems: {
          403: 'The secret is wrong, expired or used, or the request comes from another site.',
          422: 'The name of the organization is taken.',
        },
      }),
      guard: async (request, reply) => {
        cookie.refuseForeignOrigin(request);
        await attempts.guard(request, reply);
      },
      handle: complete,
    },
  });
  if (demoLogins === undefined) return;
  addResource(app, '/timp/organizations/demo-logins/', {
    GET: {
      schema: { hide: true },
      handle: async (request, reply) =>
        sendJson(request, reply, JSON.stringify({ logins: demoLogins })),
    },
  });
}

/** Takes the place of a password's check for a user whose password was set a moment ago. */
function wasSetNow(): Promise<boolean> {
  return Promise.resolve(true);
}
