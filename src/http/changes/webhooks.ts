import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { deliver, type DeliverOptions } from '../../webhooks/attempt.ts';
import { type FollowingParts, followVisible, resumeWebhook } from '../../webhooks/suppliers.ts';
import { refusalOfWebhookUrl } from '../../webhooks/http-post.ts';
import { isWebhookSecret, newWebhookSecret, rotateSecret } from '../../webhooks/signature.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Webhook } from '../../domain/webhooks.ts';
import type { WebhookStore } from '../../store/store.ts';
import { parseBody } from '../../wire/json.ts';
import { SuccessSchema } from '../../wire/lines/results.ts';
import {
  checkSupplierUuids,
  parseWebhookChange,
  parseWebhookDraft,
  printAttempt,
  printWebhook,
  WebhookAttemptSchema,
  WebhookAttemptsSchema,
  WebhookChangeSchema,
  WebhookDraftSchema,
  WebhookListSchema,
  WebhookSchema,
} from '../../wire/changes/webhooks.ts';
import { type BodyLimits, readBody } from '../request/body.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters } from '../request/query.ts';
import { addResource, uuidOf } from '../request/resource.ts';

interface WebhookRoutes {
  readonly gate: Admission;
  readonly webhooks: WebhookStore;
  readonly changes: FollowingParts['changes'];
  readonly accounts: FollowingParts['accounts'];
  readonly options: DeliverOptions;
  readonly limits: BodyLimits;
}

const LIST_PATH = '/timp/notifications/webhooks/';
const WEBHOOK_EXPECTED = 'a webhook as a JSON object such as {"url": "https://example.com/hook"}';
const WEBHOOKS_MAX = 20;
const PAUSED_BY_OWNER = 'Paused by its owner.';
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const UuidSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the webhook.' }),
});
const NO_SUCH_WEBHOOK = { 404: 'There is no such webhook of this organization.' };
const REFUSED = { 422: 'The url may not be called, or there are too many webhooks.' };

/** Webhooks of an organization: registered, listed, changed, tried out and removed. */
export function addWebhooks(app: FastifyInstance, routes: WebhookRoutes): void {
  const { gate, webhooks, changes, accounts, options, limits } = routes;

  const find = async (request: FastifyRequest): Promise<Webhook> => {
    const uuid = uuidOf(request);
    const { organizationId } = gate.principalOf(request);
    const webhook = UUID.test(uuid) ? await webhooks.find(organizationId, uuid) : undefined;
    if (webhook !== undefined) return webhook;
    throw new OnhandError(
      'webhook_not_found',
      'There is no webhook of this uuid among those of your organization.',
    );
  };

  const checkUrl = async (url: string): Promise<void> => {
    const refusal = await refusalOfWebhookUrl(url, options);
    if (refusal !== undefined) throw new OnhandError('webhook_refused', refusal);
  };

  const read = async (request: FastifyRequest): Promise<unknown> => {
    const body = await readBody(request, limits);
    checkParameters(request, []);
    return parseBody(body, WEBHOOK_EXPECTED).value;
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const found = await webhooks.list(gate.principalOf(request).organizationId);
    return sendObject(reply, { webhooks: found.map((webhook) => printWebhook(webhook)) });
  };

  const register = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const draft = parseWebhookDraft(await read(request));
    const { organizationId } = gate.principalOf(request);
    const secret = draft.secret ?? newWebhookSecret();
    if (!isWebhookSecret(secret)) {
      throw new OnhandError(
        'member_invalid',
        'The secret must be "whsec_" and the base64 of 24 to 64 bytes; without one, one is made.',
      );
    }
    const supplierUuids = checkSupplierUuids(draft.supplier_uuids);
    if ((await webhooks.list(organizationId)).length >= WEBHOOKS_MAX) {
      throw new OnhandError(
        'webhook_refused',
        `An organization has at most ${WEBHOOKS_MAX} webhooks; remove one first.`,
      );
    }
    await checkUrl(draft.url);
    const webhook = await webhooks.create({
      organizationId,
      url: draft.url,
      description: draft.description ?? null,
      supplierUuids,
      secrets: { current: secret, previous: null },
    });
    // Before it is answered: what changes from then on is told.
    await followVisible(webhook, { webhooks, changes, accounts });
    reply.code(201).header('location', `${LIST_PATH}${webhook.uuid}/`);
    return sendObject(reply, printWebhook(webhook, secret));
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    return sendObject(reply, printWebhook(await find(request)));
  };

  const change = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const asked = parseWebhookChange(await read(request));
    const webhook = await find(request);
    if (asked.url !== undefined) await checkUrl(asked.url);
    const isPaused = webhook.pausedReason !== null;
    await webhooks.update(webhook.id, {
      ...(asked.url !== undefined && { url: asked.url }),
      ...(asked.description !== undefined && { description: asked.description }),
      ...(asked.supplier_uuids !== undefined && {
        supplierUuids: checkSupplierUuids(asked.supplier_uuids),
      }),
      ...(asked.is_paused === true && !isPaused && { pausedReason: PAUSED_BY_OWNER }),
      ...(asked.is_paused === false && { pausedReason: null }),
      // Nothing else was asked for: what stands is written again.
      ...(Object.keys(asked).length === 0 && { url: webhook.url }),
    });
    if (asked.is_paused === false || asked.url !== undefined) {
      await resumeWebhook(webhook, { webhooks, changes }, options.now());
    }
    const changed = await find(request);
    if (asked.supplier_uuids !== undefined) {
      await followVisible(changed, { webhooks, changes, accounts });
    }
    return sendObject(reply, printWebhook(changed));
  };

  const remove = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    await webhooks.remove((await find(request)).id);
    return sendObject(reply, { message: 'success' });
  };

  const rotate = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const webhook = await find(request);
    const secret = newWebhookSecret();
    await webhooks.update(webhook.id, {
      secrets: rotateSecret(webhook.secrets, secret, options.now()),
    });
    return sendObject(reply, printWebhook(webhook, secret));
  };

  const test = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const { url, secrets } = await find(request);
    const outcome = await deliver(
      {
        url,
        secrets,
        messageId: `test_${request.id}`,
        message: { type: 'webhook.test' },
        madeAtMs: options.now(),
      },
      options,
    );
    const isDelivered = outcome.result.kind === 'delivered';
    return sendObject(reply, printAttempt({ ...outcome, isDelivered }));
  };

  const attempts = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const found = await webhooks.attempts((await find(request)).id);
    return sendObject(reply, {
      attempts: found.map((attempt) => ({
        message_id: attempt.messageId,
        ...printAttempt(attempt),
      })),
    });
  };

  const guard = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    gate.enter(request, reply, 'viewer');
  const of = (
    description: Omit<Parameters<typeof describe>[0], 'access'>,
    handle: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
  ) => ({ schema: describe({ ...description, access: 'viewer' }), guard, handle });
  const ofOne = { params: UuidSchema, problems: NO_SUCH_WEBHOOK };

  addResource(app, LIST_PATH, {
    GET: of(
      {
        operationId: 'listWebhooks',
        summary: 'The webhooks of the organization',
        ok: WebhookListSchema,
      },
      list,
    ),
    POST: of(
      {
        operationId: 'registerWebhook',
        summary: 'Register a webhook: where changes are to be sent',
        body: WebhookDraftSchema,
        ok: WebhookSchema,
        okStatus: 201,
        problems: REFUSED,
      },
      register,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/`, {
    GET: of(
      { operationId: 'showWebhook', summary: 'One webhook', ok: WebhookSchema, ...ofOne },
      show,
    ),
    PATCH: of(
      {
        operationId: 'changeWebhook',
        summary: 'Change a webhook, pause it, or let it go on',
        params: UuidSchema,
        body: WebhookChangeSchema,
        ok: WebhookSchema,
        problems: { ...NO_SUCH_WEBHOOK, ...REFUSED },
      },
      change,
    ),
    DELETE: of(
      { operationId: 'removeWebhook', summary: 'Remove a webhook', ok: SuccessSchema, ...ofOne },
      remove,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/rotate-secret/`, {
    POST: of(
      {
        operationId: 'rotateWebhookSecret',
        summary: 'Make a new secret; the one before signs beside it for a day',
        ok: WebhookSchema,
        ...ofOne,
      },
      rotate,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/test/`, {
    POST: of(
      {
        operationId: 'testWebhook',
        summary: 'Send a test message at once, and tell what came of it',
        ok: WebhookAttemptSchema,
        ...ofOne,
      },
      test,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/attempts/`, {
    GET: of(
      {
        operationId: 'listWebhookAttempts',
        summary: 'What came of the latest attempts to deliver',
        ok: WebhookAttemptsSchema,
        ...ofOne,
      },
      attempts,
    ),
  });
}

function sendObject(reply: FastifyReply, object: object): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(JSON.stringify(object));
}
