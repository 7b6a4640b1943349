import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeHead } from '../domain/changes.ts';
import type { Webhook, WebhookPosition } from '../domain/webhooks.ts';
import type { AccountStore, ChangeStore, WebhookStore } from '../store/store.ts';
import { deliver, type AttemptOutcome, type DeliverOptions } from './attempt.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import { followVisible, suppliersOf } from './suppliers.ts';
import {
  lease,
  leasableAtMs,
  newDelivery,
  readMessage,
  resume,
  settle,
  writeMessage,
  type OutgoingMessage,
} from './schedule.ts';

/** How often a node looks for changes to send. */
const ROUND_EVERY_MS = 200;
/** How often a node reads which webhooks exist and which suppliers they follow. */
const REFRESH_EVERY_MS = 1000;
/** The most changes in one message. */
const RECORDS_MAX = 500;
/** The most messages that one node sends at the same time, in total and per webhook. */
const SENDING_MAX = 64;
const SENDING_PER_WEBHOOK_MAX = 4;
/** How much longer than an attempt a lease is: time to store the result. */
const LEASE_MARGIN_MS = 10_000;

interface SenderParts {
  readonly webhooks: WebhookStore;
  readonly changes: ChangeStore;
  readonly accounts: Pick<
    AccountStore,
    'visibleSupplierIds' | 'findOrganizationsById' | 'findOrganizationsByUuid'
  >;
  readonly feed: ChangeFeed;
  readonly options: DeliverOptions;
  /** Identifies this process among those on the same database. */
  readonly nodeId: string;
  /** Called when the store fails; the next round tries again. */
  readonly onFailure: (error: unknown) => void;
}

/** A position with its message, parsed. */
type Position = Omit<WebhookPosition, 'message'> & { readonly message: OutgoingMessage | null };

/**
 * Sends changes to webhooks: the changes of each supplier in order, one message at a time, retried until it is
 * delivered. Any node may send. A lease in the position decides which one does (`WebhookStore.exchange`).
 */
export class WebhookSender {
  readonly #parts: SenderParts;
  /** By webhook and supplier. */
  readonly #sending = new Map<string, Promise<void>>();
  #active: readonly Webhook[] = [];
  #refreshedAtMs = -Infinity;
  #running: Promise<void> | undefined;
  readonly #stopping = new AbortController();

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the attempts of this node have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all(this.#sending.values());
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#round();
      } catch (error) {
        this.#parts.onFailure(error);
      }
      const pauseMs = this.#active.length === 0 ? REFRESH_EVERY_MS : ROUND_EVERY_MS;
      await delay(pauseMs, undefined, { signal: this.#stopping.signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  async #round(): Promise<void> {
    const { webhooks, changes } = this.#parts;
    const isRefreshDue = performance.now() - this.#refreshedAtMs >= REFRESH_EVERY_MS;
    if (isRefreshDue) {
      this.#refreshedAtMs = performance.now();
      this.#active = await webhooks.active();
    }
    if (this.#active.length === 0) return;
    if (isRefreshDue) {
      for (const webhook of this.#active) await followVisible(webhook, this.#parts);
    }
    const positions = await webhooks.positions(this.#active.map(({ id }) => id));
    const heads = await changes.heads([...new Set(positions.map(({ supplierId }) => supplierId))]);
    for (const { message, ...stored } of positions) {
      const position = { ...stored, message: message === null ? null : readMessage(message) };
      const webhook = this.#active.find(({ id }) => id === position.webhookId);
      const head = heads.get(position.supplierId);
      if (webhook !== undefined && head !== undefined) this.#sendIfDue(webhook, position, head);
    }
  }

  #sendIfDue(webhook: Webhook, position: Position, head: ChangeHead): void {
    const key = `${position.webhookId} ${position.supplierId}`;
    if (this.#sending.has(key) || this.#sending.size >= SENDING_MAX) return;
    const ofWebhook = [...this.#sending.keys()].filter((other) =>
      other.startsWith(`${position.webhookId} `),
    );
    if (ofWebhook.length >= SENDING_PER_WEBHOOK_MAX) return;
    const { message, deliveredSequence } = position;
    const isDue =
      message === null
        ? deliveredSequence < head.lastSequence
        : // The webhook is active, so a paused message has been resumed.
          message.delivery.state === 'paused' ||
          leasableAtMs(message.delivery) <= this.#parts.options.now();
    if (!isDue) return;
    const sending = this.#sendAll(webhook, position, head)
      .catch((error: unknown) => this.#parts.onFailure(error))
      .finally(() => this.#sending.delete(key));
    this.#sending.set(key, sending);
  }

  /** Sends one message after another, as long as each is delivered and there are more changes. */
  async #sendAll(webhook: Webhook, first: Position, head: ChangeHead): Promise<void> {
    let position: Position | undefined = first;
    while (position !== undefined && !this.#stopping.signal.aborted) {
      position = await this.#sendNext(webhook, position, head);
      if (position !== undefined && position.deliveredSequence >= head.lastSequence) return;
    }
  }

  /** Sends the next message; returns the new position if it was delivered. */
  async #sendNext(
    webhook: Webhook,
    position: Position,
    head: ChangeHead,
  ): Promise<Position | undefined> {
    const { webhooks, options, nodeId } = this.#parts;
    const message = this.#nextMessage(webhook, position, head);
    const leaseMs = options.timeoutMs + LEASE_MARGIN_MS;
    const delivery = lease(message.delivery, nodeId, options.now(), leaseMs);
    if (delivery === undefined) return undefined;
    const sending = { ...message, delivery };
    const leased = await this.#exchange(position, position.deliveredSequence, sending);
    if (leased === undefined) return undefined;
    const current = await this.#sendable(webhook, position.supplierId);
    if (current === undefined) {
      // Releases the lease, so that the message does not wait for its end if it can be sent again.
      const unleased = position.message === null ? null : message;
      await this.#exchange(leased, leased.deliveredSequence, unleased);
      return undefined;
    }
    const chunk = await this.#read(webhook, leased, message);
    if (chunk === undefined) {
      await webhooks.update(webhook.id, { pausedReason: CHANGES_DROPPED });
      return undefined;
    }
    const outcome = await deliver(
      {
        url: current.url,
        secrets: current.secrets,
        messageId: delivery.messageId,
        message: { type: 'inventory.changed', ...chunk },
        madeAtMs: message.madeAtMs,
      },
      options,
    );
    await this.#log(webhook.id, delivery.messageId, outcome);
    const settled = settle(delivery, outcome.result, {
      nowMs: options.now(),
      random: Math.random(),
    });
    if (settled === 'delivered') return this.#exchange(leased, message.toSequence, null);
    await this.#exchange(leased, leased.deliveredSequence, { ...message, delivery: settled });
    if (settled.state === 'paused') {
      await webhooks.update(webhook.id, { pausedReason: settled.reason });
    }
    return undefined;
  }

  /**
   * Reads the webhook again just before sending; undefined if nothing may be sent. It may have been removed,
   * disconnected from the supplier, or given a new secret.
   */
  async #sendable(
    { organizationId, uuid, url }: Webhook,
    supplierId: number,
  ): Promise<Webhook | undefined> {
    const { webhooks, accounts } = this.#parts;
    const current = await webhooks.find(organizationId, uuid);
    if (current?.url !== url || current.pausedReason !== null) return undefined;
    return (await suppliersOf(current, accounts)).includes(supplierId) ? current : undefined;
  }

  #nextMessage(webhook: Webhook, position: Position, head: ChangeHead): OutgoingMessage {
    const nowMs = this.#parts.options.now();
    const { message } = position;
    if (message !== null) return { ...message, delivery: resume(message.delivery, nowMs) };
    const toSequence = Math.min(head.lastSequence, position.deliveredSequence + RECORDS_MAX);
    const messageId = `msg_${webhook.uuid}_${position.supplierId}_${toSequence}`;
    return { toSequence, madeAtMs: nowMs, delivery: newDelivery(messageId, nowMs) };
  }

  /** Stores a position; returns it as stored, or undefined if another node changed it first. */
  async #exchange(
    { version, ...position }: Position,
    deliveredSequence: number,
    message: OutgoingMessage | null,
  ): Promise<Position | undefined> {
    const isStored = await this.#parts.webhooks.exchange({
      ...position,
      deliveredSequence,
      message: message && writeMessage(message),
      version,
    });
    return isStored ? { ...position, deliveredSequence, message, version: version + 1 } : undefined;
  }

  /** The changes of a message and the cursor after them; undefined if they have been dropped. */
  async #read(webhook: Webhook, position: Position, { toSequence }: OutgoingMessage) {
    const { changes, feed } = this.#parts;
    const { supplierId, deliveredSequence } = position;
    const count = toSequence - deliveredSequence;
    const read = await changes.read(supplierId, deliveredSequence, count);
    if (read[0]?.sequence !== deliveredSequence + 1 || read.length !== count) return undefined;
    const reader = {
      organizationId: webhook.organizationId,
      supplierIds: () => Promise.resolve([supplierId]),
    };
    const cursor = { sequences: new Map([[supplierId, toSequence]]), turn: 0 };
    const records = read.map((change) => ({ kind: 'change' as const, change }));
    return { records, cursor: await feed.print(reader, cursor) };
  }

  async #log(webhookId: number, messageId: string, outcome: AttemptOutcome): Promise<void> {
    const { result, status, text, startedAtMs, durationMs } = outcome;
    const isDelivered = result.kind === 'delivered';
    await this.#parts.webhooks.logAttempt(webhookId, {
      messageId,
      startedAtMs,
      durationMs,
      status,
      text,
      isDelivered,
    });
  }
}

const CHANGES_DROPPED =
  'Undelivered changes are older than the retention period and have been dropped. Read the list of SKUs, and resume the webhook to receive future changes.';
