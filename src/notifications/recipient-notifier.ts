/** Tells the recipients that organizations have chosen. One node of a database does it at a time. */
import { KINDS_OF_TYPE, type NotificationKind, type Recipient } from '../domain/notifications.ts';
import type { Organization } from '../domain/parties.ts';
import type { Store } from '../store/store.ts';
import type { WebhookHttpOptions } from '../webhooks/http-post.ts';
import { emailChannel, postNotification, type MailSettings } from './channels.ts';
import { readConditions, type Condition } from './conditions.ts';
import {
  notificationOf,
  slackBody,
  teamsBody,
  webhookBody,
  type MessageLines,
} from './messages.ts';
import { planMessage, readTold, type Message } from './told.ts';

interface RecipientNotifierParts {
  readonly store: Pick<Store, 'accounts' | 'batches' | 'notifications' | 'webhooks'>;
  readonly nodeId: string;
  /** Null if the server sends no emails. */
  readonly mail: MailSettings | null;
  readonly webhookOptions: WebhookHttpOptions;
  readonly now: () => number;
  readonly onFailure: (error: unknown) => void;
}

/** How many recipients are told at the same time. */
const TOLD_AT_ONCE = 8;
/** How long a node's turn lasts: more than a group takes, whose receivers do not answer. */
const TURN_MS = 180_000;
const MINUTE_MS = 60_000;
/** A recipient that does not accept messages is tried again after 1, 2, 4, … minutes, up to this many. */
const RETRY_MINUTES_MAX = 60;

type Concern = (kind: NotificationKind, organizationId: number) => boolean;

export class RecipientNotifier {
  readonly #parts: RecipientNotifierParts;

  constructor(parts: RecipientNotifierParts) {
    this.#parts = parts;
  }

  /** Tells each recipient what is due, until the signal is aborted. */
  async check(signal?: AbortSignal): Promise<void> {
    const { store, now, onFailure } = this.#parts;
    try {
      if (!(await this.#takeTurn())) return;
      const recipients = await store.notifications.confirmed();
      if (recipients.length === 0) return;
      const conditions = await readConditions(store, now());
      const organizations = await this.#organizationsOf(recipients, conditions);
      for (let i = 0; i < recipients.length; i += TOLD_AT_ONCE) {
        if (signal?.aborted === true || !(await this.#takeTurn())) return;
        const group = recipients.slice(i, i + TOLD_AT_ONCE);
        await Promise.all(
          group.map((recipient) => this.#tell(recipient, conditions, organizations, signal)),
        );
      }
    } catch (error) {
      onFailure(error);
    }
  }

  #takeTurn(): Promise<boolean> {
    const { store, nodeId, now } = this.#parts;
    return store.notifications.takeTurn(nodeId, now(), now() + TURN_MS);
  }

  async #organizationsOf(
    recipients: readonly Recipient[],
    conditions: readonly Condition[],
  ): Promise<ReadonlyMap<number, Organization>> {
    const ids = [...recipients, ...conditions].map(({ organizationId }) => organizationId);
    const found = await this.#parts.store.accounts.findOrganizationsById([...new Set(ids)]);
    return new Map(found.map((organization) => [organization.id, organization]));
  }

  async #tell(
    recipient: Recipient,
    conditions: readonly Condition[],
    organizations: ReadonlyMap<number, Organization>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { store, now, onFailure } = this.#parts;
    const { progress, id } = recipient;
    const { failures, failedAtMs } = progress;
    const nowMs = now();
    if (failedAtMs !== null && nowMs - failedAtMs < retryAfterMs(failures)) return;
    try {
      const organization = organizations.get(recipient.organizationId);
      if (organization === undefined) return;
      const concerns = await this.#concernOf(organization);
      const told = readTold(progress.told);
      const plan = planMessage({
        choices: recipient,
        told,
        digestWindow: progress.digestWindow,
        conditions: conditions.filter((each) => concerns(each.kind, each.organizationId)),
        concerns,
        nowMs,
      });
      const next = {
        ...progress,
        told: JSON.stringify(plan.told),
        digestWindow: plan.digestWindow,
      };
      if (plan.message === undefined) {
        const isSame = next.told === progress.told && next.digestWindow === progress.digestWindow;
        if (!isSame) await store.notifications.recordProgress(id, next);
        return;
      }
      const failure = await this.#send(recipient, linesOf(plan.message, organizations), signal);
      if (signal?.aborted === true && failure !== null) return;
      await store.notifications.recordProgress(
        id,
        failure === null
          ? { ...next, sentAtMs: nowMs, failures: 0, failedAtMs: null, failure: null }
          : { ...progress, failures: failures + 1, failedAtMs: nowMs, failure },
      );
    } catch (error) {
      onFailure(error);
    }
  }

  /** What an organization may know of: its own, a retailer also which of its suppliers are late, an operator all. */
  async #concernOf({ id, type }: Organization): Promise<Concern> {
    if (type === 'operator') return () => true;
    const visible =
      type === 'retailer'
        ? new Set(await this.#parts.store.accounts.visibleSupplierIds(id, type))
        : new Set<number>();
    return (kind, organizationId) =>
      KINDS_OF_TYPE[type].includes(kind) &&
      (organizationId === id || (kind === 'supplier_late' && visible.has(organizationId)));
  }

  /** Null if the message was accepted, else why not, for the organization that owns the recipient. */
  async #send(
    { channel, address }: Recipient,
    lines: MessageLines,
    signal: AbortSignal | undefined,
  ): Promise<string | null> {
    const { mail, webhookOptions, onFailure } = this.#parts;
    const notification = notificationOf(lines);
    const post = (body: object): Promise<void> =>
      postNotification({ url: address, body }, webhookOptions, signal);
    try {
      switch (channel) {
        case 'email':
          if (mail === null) return NO_MAIL;
          await sendMail(mail, address, notification, signal);
          return null;
        case 'slack':
          await post(slackBody(notification));
          return null;
        case 'teams':
          await post(teamsBody(notification));
          return null;
        case 'webhook':
          await post(webhookBody(lines));
          return null;
      }
    } catch (error) {
      if (channel !== 'email') return error instanceof Error ? error.message : String(error);
      // What the mail server said is for the operator.
      if (signal?.aborted !== true) onFailure(error);
      return 'The mail server did not accept the message.';
    }
  }
}

const NO_MAIL = 'This server sends no emails.';

const FOOTER =
  '\n\nYou receive this because you confirmed this address. The organization that added it can change what is sent here, or remove it.';

async function sendMail(
  mail: MailSettings,
  to: string,
  { subject, text }: { readonly subject: string; readonly text: string },
  signal?: AbortSignal,
): Promise<void> {
  await emailChannel({ ...mail, to }).send({ subject, text: text + FOOTER }, signal);
}

function retryAfterMs(failures: number): number {
  return MINUTE_MS * Math.min(RETRY_MINUTES_MAX, 2 ** Math.max(0, failures - 1));
}

function linesOf(
  { begun, resolved }: Message,
  organizations: ReadonlyMap<number, Organization>,
): MessageLines {
  const line = ({ kind, organizationId, text }: Message['resolved'][number]) => ({
    kind,
    organizationUuid: organizations.get(organizationId)?.uuid ?? '',
    text,
  });
  return { begun: begun.map(line), resolved: resolved.map(line) };
}
