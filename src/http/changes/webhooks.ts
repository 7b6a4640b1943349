import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { deliver } from '../../webhooks/attempt.ts';
import { refusalOfWebhookUrl } from '../../webhooks/http-post.ts';
import { logAttempt } from '../../webhooks/messages.ts';
import { isWebhookSecret, newWebhookSecret, rotateSecret } from '../../webhooks/signature.ts';
import { followVisible, resumeWebhook } from '../../webhooks/suppliers.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { AuditAction, AuditNote } from '../../domain/audit.ts';
import { PAUSED_BY_OWNER, TEST_MESSAGE_PREFIX, type Webhook } from '../../domain/webhooks.ts';
import { parseBody } from '../../wire/json.ts';
import { SuccessSchema } from '../../wire/lines/results.ts';
import {
  checkSupplierUuids,
  parseWebhookChange,
  parseWebhookDraft,
  printWebhook,
  WebhookAttemptSchema,
  WebhookChangeSchema,
  WebhookDraftSchema,
  WebhookListSchema,
  WebhookSchema,
} from '../../wire/changes/webhooks.ts';
import { appendNote } from '../accounts/author.ts';
import { readBody, smallBodyLimits } from '../request/body.ts';
import { checkParameters } from '../request/parameters.ts';
import { traceOf } from '../request/request-trace.ts';
import { addResource } from '../request/resource.ts';
import { addWebhookDeliveries } from './webhook-deliveries.ts';
import {
  findWebhook,
  LIST_PATH,
  NO_SUCH_WEBHOOK,
  noteAbout,
  operationFor,
  printOutcome,
  sendObject,
  UUID_PARAMETER,
  type WebhookRoutes,
} from './webhook-routes.ts';
import { WebhookThrottle } from './webhook-throttle.ts';

const WEBHOOK_EXPECTED = 'a webhook as a JSON object such as {"url": "https://example.com/hook"}';
const UuidSchema = Type.Object(UUID_PARAMETER);
const REFUSED = { 422: 'The url is not allowed, or there are too many webhooks.' };

/** Adds the routes of an organization's webhooks: register, list, change, test, remove. */
export function addWebhooks(app: FastifyInstance, routes: WebhookRoutes): void {
  const { admission, audit, webhooks, changes, accounts, options, limits } = routes;
  const bodyLimits = smallBodyLimits(limits);
  const throttle = new WebhookThrottle(limits);
  const find = (request: FastifyRequest): Promise<Webhook> => findWebhook(request, routes);

  const checkUrl = async (url: string): Promise<void> => {
    const refusal = await refusalOfWebhookUrl(url, options);
    if (refusal !== undefined) throw new OnhandError('webhook_refused', refusal);
  };

  const read = async (request: FastifyRequest): Promise<unknown> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, []);
    return parseBody(body, WEBHOOK_EXPECTED).value;
  };

  const note = (
    request: FastifyRequest,
    action: AuditAction,
    webhook: Pick<Webhook, 'uuid' | 'url'>,
    edit: object = {},
  ): AuditNote =>
    noteAbout(request, routes, { action, webhook, details: { changed: Object.keys(edit) } });

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const found = await webhooks.list(admission.principalOf(request).organizationId);
    return sendObject(reply, { webhooks: found.map((webhook) => printWebhook(webhook)) });
  };

  const register = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const draft = parseWebhookDraft(await read(request));
    const creator = admission.principalOf(request);
    const { organizationId } = creator;
    const secret = draft.secret ?? newWebhookSecret();
    if (!isWebhookSecret(secret)) {
      throw new OnhandError(
        'member_invalid',
        'The secret must be "whsec_" followed by the base64 of 24 to 64 bytes. Leave it out to have one generated.',
      );
    }
    const supplierUuids = checkSupplierUuids(draft.supplier_uuids);
    await throttle.act(organizationId);
    const { webhooksMax } = limits;
    // Saves resolving the name; the store counts again.
    if ((await webhooks.list(organizationId)).length >= webhooksMax) throw tooMany(webhooksMax);
    await checkUrl(draft.url);
    const webhook = await admission.writing(request, () =>
      webhooks.create(
        {
          organizationId,
          url: draft.url,
          description: draft.description ?? null,
          supplierUuids,
          secrets: { current: secret, previous: null },
          creator,
        },
        webhooksMax,
      ),
    );
    if (webhook === undefined) throw tooMany(webhooksMax);
    await appendNote(audit, request, note(request, 'webhook.created', webhook));
    // Before the response: every change after it is delivered.
    await followVisible([webhook], { webhooks, changes, accounts });
    reply.code(201).header('location', `${LIST_PATH}${webhook.uuid}/`);
    return sendObject(reply, printWebhook(webhook, secret));
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    return sendObject(reply, printWebhook(await find(request)));
  };

  const change = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const edit = parseWebhookChange(await read(request));
    const webhook = await find(request);
    const creator = admission.principalOf(request);
    const sends = edit.is_paused === false || edit.url !== undefined;
    if (sends) await throttle.act(creator.organizationId);
    if (edit.url !== undefined) await checkUrl(edit.url);
    const columns = {
      ...(edit.url !== undefined && { url: edit.url }),
      ...(edit.description !== undefined && { description: edit.description }),
      ...(edit.supplier_uuids !== undefined && {
        supplierUuids: checkSupplierUuids(edit.supplier_uuids),
      }),
      ...(edit.is_paused === true && { pausedReason: PAUSED_BY_OWNER }),
      ...(edit.is_paused === false && { pausedReason: null }),
      ...(sends && { creator }),
      // The store expects at least one column.
      ...(Object.keys(edit).length === 0 && { url: webhook.url }),
    };
    const action =
      edit.is_paused === undefined
        ? 'webhook.changed'
        : edit.is_paused
          ? 'webhook.paused'
          : 'webhook.resumed';
    const changing = note(request, action, { ...webhook, url: edit.url ?? webhook.url }, edit);
    await admission.writing(request, () => webhooks.update(webhook.id, columns, changing));
    if (sends) {
      await resumeWebhook(webhook, { webhooks, changes }, options.now());
    }
    const changed = await find(request);
    if (edit.supplier_uuids !== undefined) {
      await followVisible([changed], { webhooks, changes, accounts });
    }
    return sendObject(reply, printWebhook(changed));
  };

  const remove = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const webhook = await find(request);
    const removing = note(request, 'webhook.removed', webhook);
    await admission.writing(request, () => webhooks.remove(webhook.id, removing));
    return sendObject(reply, { message: 'success' });
  };

  const rotate = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const webhook = await find(request);
    const secret = newWebhookSecret();
    const rotating = note(request, 'webhook.secret_rotated', webhook);
    const secrets = rotateSecret(webhook.secrets, secret, options.now());
    await admission.writing(request, () => webhooks.update(webhook.id, { secrets }, rotating));
    return sendObject(reply, printWebhook(webhook, secret));
  };

  const test = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const webhook = await find(request);
    await throttle.test(webhook);
    const { url, secrets } = webhook;
    const messageId = TEST_MESSAGE_PREFIX + request.id;
    const outcome = await deliver(
      {
        url,
        secrets,
        messageId,
        message: { type: 'webhook.test' },
        madeAtMs: options.now(),
        causes: Object.values(traceOf(request)),
      },
      options,
    );
    await logAttempt(routes, webhook, { messageId, range: null }, outcome);
    if (outcome.result.kind === 'delivered') {
      await webhooks.verify(webhook.id, url, options.now());
    }
    return sendObject(reply, printOutcome(outcome));
  };

  const view = operationFor(admission, 'viewer');
  const manage = operationFor(admission, 'webhook_manager');
  const oneWebhook = { params: UuidSchema, problems: NO_SUCH_WEBHOOK };

  addResource(app, LIST_PATH, {
    GET: view(
      {
        group: 'Webhooks',
        operationId: 'listWebhooks',
        summary: "List the organization's webhooks",
        ok: WebhookListSchema,
      },
      list,
    ),
    POST: manage(
      {
        group: 'Webhooks',
        operationId: 'registerWebhook',
        summary: 'Register a webhook: a URL to which changes are sent',
        body: WebhookDraftSchema,
        ok: WebhookSchema,
        okStatus: 201,
        problems: REFUSED,
      },
      register,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/`, {
    GET: view(
      {
        group: 'Webhooks',
        operationId: 'showWebhook',
        summary: 'Show one webhook',
        ok: WebhookSchema,
        ...oneWebhook,
      },
      show,
    ),
    PATCH: manage(
      {
        group: 'Webhooks',
        operationId: 'changeWebhook',
        summary: 'Change, pause or resume a webhook',
        params: UuidSchema,
        body: WebhookChangeSchema,
        ok: WebhookSchema,
        problems: { ...NO_SUCH_WEBHOOK, ...REFUSED },
      },
      change,
    ),
    DELETE: manage(
      {
        group: 'Webhooks',
        operationId: 'removeWebhook',
        summary: 'Remove a webhook',
        ok: SuccessSchema,
        ...oneWebhook,
      },
      remove,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/rotate-secret/`, {
    POST: manage(
      {
        group: 'Webhooks',
        operationId: 'rotateWebhookSecret',
        summary: 'Replace the secret; the previous one also signs for another day',
        ok: WebhookSchema,
        ...oneWebhook,
      },
      rotate,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/test/`, {
    POST: manage(
      {
        group: 'Webhooks',
        operationId: 'testWebhook',
        summary: 'Send a test message now, and return the result',
        ok: WebhookAttemptSchema,
        ...oneWebhook,
      },
      test,
    ),
  });
  addWebhookDeliveries(app, routes, throttle);
}

function tooMany(webhooksMax: number): OnhandError {
  return new OnhandError(
    'webhook_refused',
    `An organization can have at most ${webhooksMax} webhooks (ONHAND_WEBHOOKS_MAX). Remove one first.`,
  );
}
