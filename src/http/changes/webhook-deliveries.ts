import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { DeliveryRecord, Webhook, WebhookAttempt } from '../../domain/webhooks.ts';
import { deliveriesOf } from '../../webhooks/deliveries.ts';
import { readExchange } from '../../webhooks/exchange.ts';
import { planRecovery, recover, sendAgain } from '../../webhooks/redelivery.ts';
import { parseBody } from '../../wire/json.ts';
import { printTime } from '../../wire/times.ts';
import {
  parseWebhookRecovery,
  printDelivery,
  printDetailedAttempt,
  printRecovered,
  WebhookDeliveriesSchema,
  WebhookDeliveryDetailsSchema,
  WebhookRecoveredSchema,
  WebhookRecoveryQuerySchema,
  WebhookRecoverySchema,
} from '../../wire/changes/webhook-deliveries.ts';
import {
  printAttempt,
  WebhookAttemptSchema,
  WebhookAttemptsSchema,
} from '../../wire/changes/webhooks.ts';
import { appendNote } from '../accounts/author.ts';
import { readBody, smallBodyLimits } from '../request/body.ts';
import { checkParameters, flagOf } from '../request/parameters.ts';
import { addResource } from '../request/resource.ts';
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
import type { WebhookThrottle } from './webhook-throttle.ts';

const RECOVERY_EXPECTED = 'a time such as {"since": "2026-11-23T16:21:19Z"}';
const DAY_MS = 24 * 60 * 60_000;
const UuidSchema = Type.Object(UUID_PARAMETER);
const DeliverySchema = Type.Object({
  ...UUID_PARAMETER,
  message: Type.String({ description: 'The `message_id` of the delivery.' }),
});
const NO_SUCH_DELIVERY = {
  404: 'The organization has no such webhook, or no attempt to deliver such a message is kept.',
};

/** Adds the routes of what was sent to a webhook, and of what is sent again. */
export function addWebhookDeliveries(
  app: FastifyInstance,
  routes: WebhookRoutes,
  throttle: WebhookThrottle,
): void {
  const { admission, audit, webhooks, accounts, options, limits } = routes;
  const bodyLimits = smallBodyLimits(limits);

  const attempts = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const found = await webhooks.attempts((await findWebhook(request, routes)).id);
    return sendObject(reply, {
      attempts: found.map((attempt) => ({
        message_id: attempt.messageId,
        ...printAttempt(attempt),
      })),
    });
  };

  const printer = async (deliveries: readonly DeliveryRecord[]) => {
    const ids = deliveries.flatMap(({ range }) => (range === null ? [] : [range.supplierId]));
    const suppliers = await accounts.findOrganizationsById([...new Set(ids)]);
    const uuids = new Map(suppliers.map(({ id, uuid }) => [id, uuid]));
    return (delivery: DeliveryRecord) => printDelivery(delivery, (id) => uuids.get(id));
  };

  const group = async (attempts: readonly WebhookAttempt[], { id, pausedReason }: Webhook) => {
    // A paused webhook has no next attempt, whatever its positions say.
    const positions = pausedReason === null ? await webhooks.positions([id]) : [];
    return deliveriesOf(attempts, positions);
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const webhook = await findWebhook(request, routes);
    const deliveries = await group(await webhooks.attempts(webhook.id), webhook);
    return sendObject(reply, { deliveries: deliveries.map(await printer(deliveries)) });
  };

  const findDelivery = async (request: FastifyRequest) => {
    checkParameters(request, []);
    const webhook = await findWebhook(request, routes);
    const made = await webhooks.attemptsOf(webhook.id, messageOf(request));
    const [delivery] = await group(made, webhook);
    if (delivery === undefined) {
      throw new OnhandError(
        'webhook_not_found',
        `No attempt to deliver this message to this webhook is kept. The latest ${limits.webhookAttemptsKept} attempts are (ONHAND_WEBHOOK_ATTEMPTS_KEPT).`,
      );
    }
    return { webhook, delivery, made };
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { delivery, made } = await findDelivery(request);
    const print = await printer([delivery]);
    return sendObject(reply, {
      ...print(delivery),
      attempts: made.map((attempt) =>
        printDetailedAttempt(
          attempt,
          attempt.exchange === null ? null : readExchange(attempt.exchange),
        ),
      ),
    });
  };

  const again = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { webhook, delivery } = await findDelivery(request);
    const { messageId, range } = delivery;
    if (range === null) {
      throw new OnhandError(
        'webhook_refused',
        'A test, or a message of before onhand stored what messages contain, cannot be sent again. Send a test instead.',
      );
    }
    await throttle.test(webhook);
    const outcome = await sendAgain(webhook, { messageId, range }, routes);
    const action = 'webhook.message_sent_again';
    const details = { message: messageId };
    await appendNote(audit, request, noteAbout(request, routes, { action, webhook, details }));
    return sendObject(reply, printOutcome(outcome));
  };

  const recoverSince = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, Object.keys(WebhookRecoveryQuerySchema.properties));
    const isDryRun = flagOf(request, 'dry_run') ?? false;
    const sinceMs = parseWebhookRecovery(parseBody(body, RECOVERY_EXPECTED).value);
    const webhook = await findWebhook(request, routes);
    refuseDeleted(sinceMs);
    if (!isDryRun) await throttle.act(webhook.organizationId);
    const plan = await planned(request, webhook, sinceMs);
    const printed = printRecovered(sinceMs, isDryRun, plan);
    if (!isDryRun) {
      await admission.writing(request, () => recover(webhook, plan, routes));
      const { since, suppliers, changes } = printed;
      const action = 'webhook.recovered';
      const details = { since, suppliers, changes };
      await appendNote(audit, request, noteAbout(request, routes, { action, webhook, details }));
    }
    return sendObject(reply, printed);
  };

  const planned = (request: FastifyRequest, webhook: Webhook, sinceMs: number) =>
    admission.scanning(request, () => planRecovery(webhook, sinceMs, routes));

  const refuseDeleted = (sinceMs: number): void => {
    const { changesKeptDays } = limits;
    const keptSinceMs = options.now() - changesKeptDays * DAY_MS;
    if (changesKeptDays === 0 || sinceMs >= keptSinceMs) return;
    throw new OnhandError(
      'history_expired',
      `Changes are kept for ${changesKeptDays} days, so those since ${printTime(sinceMs)} are not complete. Ask for ${printTime(keptSinceMs)} or later, and read the list of SKUs.`,
    );
  };

  const view = operationFor(admission, 'viewer');
  const manage = operationFor(admission, 'webhook_manager');
  const oneDelivery = { params: DeliverySchema, problems: NO_SUCH_DELIVERY };

  addResource(app, `${LIST_PATH}:uuid/attempts/`, {
    GET: view(
      {
        group: 'Webhooks',
        operationId: 'listWebhookAttempts',
        summary: 'List the latest delivery attempts, with their results',
        ok: WebhookAttemptsSchema,
        params: UuidSchema,
        problems: NO_SUCH_WEBHOOK,
      },
      attempts,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/deliveries/`, {
    GET: view(
      {
        group: 'Webhooks',
        operationId: 'listWebhookDeliveries',
        summary: 'List the latest messages, with how their delivery ended',
        ok: WebhookDeliveriesSchema,
        params: UuidSchema,
        problems: NO_SUCH_WEBHOOK,
      },
      list,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/deliveries/:message/`, {
    GET: view(
      {
        group: 'Webhooks',
        operationId: 'showWebhookDelivery',
        summary: 'Show a message with each attempt: what was sent, and what came back',
        ok: WebhookDeliveryDetailsSchema,
        ...oneDelivery,
      },
      show,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/deliveries/:message/send/`, {
    POST: manage(
      {
        group: 'Webhooks',
        operationId: 'sendWebhookMessageAgain',
        summary: 'Send a message again now, and return the result',
        ok: WebhookAttemptSchema,
        ...oneDelivery,
        problems: {
          ...NO_SUCH_DELIVERY,
          410: 'The changes in the message have been deleted.',
          422: 'It is a test, or the webhook no longer gets the changes of this supplier.',
        },
      },
      again,
    ),
  });
  addResource(app, `${LIST_PATH}:uuid/recover/`, {
    POST: manage(
      {
        group: 'Webhooks',
        operationId: 'recoverWebhook',
        summary: 'Deliver all changes since a time again',
        params: UuidSchema,
        query: WebhookRecoveryQuerySchema,
        body: WebhookRecoverySchema,
        ok: WebhookRecoveredSchema,
        problems: { ...NO_SUCH_WEBHOOK, 410: 'Changes since that time have been deleted.' },
      },
      recoverSince,
    ),
  });
}

/** The message ID in the path. */
function messageOf({ params }: FastifyRequest): string {
  return typeof params === 'object' && params !== null && 'message' in params
    ? String(params.message)
    : '';
}
