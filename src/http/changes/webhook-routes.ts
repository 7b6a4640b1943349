/** What the routes of webhooks share. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ChangeFeed } from '../../changes/change-feed.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { AuditAction, AuditNote } from '../../domain/audit.ts';
import type { Webhook } from '../../domain/webhooks.ts';
import type { AuditStore, ChangeStore, WebhookStore } from '../../store/store.ts';
import type { AttemptOutcome, DeliverOptions } from '../../webhooks/attempt.ts';
import type { AttemptLimits } from '../../webhooks/messages.ts';
import type { FollowParts } from '../../webhooks/suppliers.ts';
import { printAttempt } from '../../wire/changes/webhooks.ts';
import type { Access } from '../accounts/authenticate.ts';
import { noteOf } from '../accounts/author.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import type { ServerBodyLimits } from '../request/body.ts';
import { uuidOf } from '../request/parameters.ts';
import type { Operation } from '../request/resource.ts';
import type { WebhookLimits } from './webhook-throttle.ts';

export interface WebhookRoutes {
  readonly admission: Admission;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly webhooks: WebhookStore;
  readonly changes: ChangeStore;
  readonly accounts: FollowParts['accounts'];
  readonly feed: ChangeFeed;
  readonly options: DeliverOptions;
  readonly limits: ServerBodyLimits & WebhookLimits & AttemptLimits;
}

export const LIST_PATH = '/timp/notifications/webhooks/';
export const UUID_PARAMETER = {
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the webhook.' }),
};
export const NO_SUCH_WEBHOOK = { 404: 'The organization has no webhook with this uuid.' };

/** The webhook that a request is about. Rejects with `webhook_not_found`. */
export async function findWebhook(
  request: FastifyRequest,
  { admission, webhooks }: Pick<WebhookRoutes, 'admission' | 'webhooks'>,
): Promise<Webhook> {
  const uuid = uuidOf(request);
  const { organizationId } = admission.principalOf(request);
  const webhook = uuid === undefined ? undefined : await webhooks.find(organizationId, uuid);
  if (webhook !== undefined) return webhook;
  throw new OnhandError('webhook_not_found', 'Your organization has no webhook with this uuid.');
}

/** An audit entry about a webhook. Its URL may contain a secret: the entry has its host only. */
export function noteAbout(
  request: FastifyRequest,
  { admission }: Pick<WebhookRoutes, 'admission'>,
  {
    action,
    webhook: { uuid, url },
    details,
  }: {
    readonly action: AuditAction;
    readonly webhook: Pick<Webhook, 'uuid' | 'url'>;
    readonly details: AuditNote['details'];
  },
): AuditNote {
  return noteOf(request, admission.principalOf(request), {
    action,
    subject: uuid,
    details: { host: new URL(url).host, ...details },
  });
}

/** Makes operations for clients with that access. */
export function operationFor(admission: Admission, access: Access) {
  return (
    description: Omit<Parameters<typeof describe>[0], 'access'>,
    handle: Operation['handle'],
  ): Operation => ({
    schema: describe({ ...description, access }),
    guard: (request, reply) => admission.admit(request, reply, access),
    handle,
  });
}

export function sendObject(reply: FastifyReply, object: object): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(JSON.stringify(object));
}

/** An attempt that a request made, as its reply. */
export function printOutcome(outcome: AttemptOutcome) {
  return printAttempt({ ...outcome, isDelivered: outcome.result.kind === 'delivered' });
}
