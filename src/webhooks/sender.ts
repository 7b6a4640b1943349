import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeHead } from '../domain/changes.ts';
import type { Webhook, WebhookPosition } from '../domain/webhooks.ts';
import type { AccountStore, ChangeStore, WebhookStore } from '../store/store.ts';
import { deliver, type DeliverOptions } from './attempt.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import { DeliveryLag, type BehindPosition } from './delivery-lag.ts';
import { logAttempt, nextMessage, readMessageChanges, type AttemptLimits } from './messages.ts';
import { followVisible, suppliersOf } from './suppliers.ts';
import { inTurns, SendSlots, type SendLimits } from './turns.ts';
import {
  lease,
  leasableAtMs,
  readMessage,
  resume,
  settle,
  writeMessage,
  type AttemptResult,
  type OutgoingMessage,
} from './schedule.ts';

/** How often a node looks for changes to send. */
const ROUND_EVERY_MS = 200;
/** How often a node reads which webhooks exist and which suppliers they follow. */
const REFRESH_EVERY_MS = 1000;
/** How much longer than an attempt a lease is: time to store the result. */
const LEASE_MARGIN_MS = 10_000;
/** How many messages of one supplier are sent to one webhook before others get the slot. */
const MESSAGES_PER_TURN = 10;

/** A position whose messages are being sent. */
interface Sending {
  readonly webhookId: number;
  readonly ended: Promise<void>;
  /** Ends the current attempt. */
  readonly abort: AbortController;
}

interface SenderParts {
  readonly webhooks: WebhookStore;
  readonly changes: ChangeStore;
  readonly accounts: Pick<
    AccountStore,
    'visibleSupplierIds' | 'findOrganizationsById' | 'findOrganizationsByUuid'
  >;
  readonly feed: ChangeFeed;
  readonly options: DeliverOptions;
  readonly limits: SendLimits & AttemptLimits;
  /** Identifies this process among those on the same database. */
  readonly nodeId: string;
  /** Called when the store fails; the next round tries again. */
  readonly onFailure: (error: unknown) => void;
  /** Called after each attempt. */
  readonly onAttempt?: ((result: AttemptResult['kind']) => void) | undefined;
  /** Called when a webhook is paused, because its messages cannot be delivered. */
  readonly onPaused?: (() => void) | undefined;
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
  readonly #sending = new Map<string, Sending>();
  readonly #slots: SendSlots;
  readonly #lag = new DeliveryLag();
  /** Which organization and which of its webhooks is first moves on with each round. */
  #rounds = 0;
  #active: readonly Webhook[] = [];
  #refreshedAtMs = -Infinity;
  #running: Promise<void> | undefined;
  readonly #stopping = new AbortController();

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#slots = new SendSlots(parts.limits);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * By organization: how long its webhook that is furthest behind has had changes to deliver, in ms. Paused ones do not
   * count.
   */
  lagsMs(): ReadonlyMap<number, number> {
    return this.#lag.lagsMs(this.#parts.options.now());
  }

  /** Resolves when the attempts of this node have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await Promise.all([...this.#sending.values()].map(({ ended }) => ended));
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
      this.#abortInactive();
    }
    if (this.#active.length === 0) return this.#lag.update([]);
    if (isRefreshDue) await followVisible(this.#active, this.#parts);
    const positions = await webhooks.positions(this.#active.map(({ id }) => id));
    const heads = await changes.heads([...new Set(positions.map(({ supplierId }) => supplierId))]);
    const behind: BehindPosition[] = [];
    for (const { webhook, stored } of this.#inFairOrder(positions)) {
      const message = stored.message === null ? null : readMessage(stored.message);
      const head = heads.get(stored.supplierId);
      if (head === undefined) continue;
      if (stored.deliveredSequence < head.lastSequence)
        behind.push({
          key: keyOf(stored),
          organizationId: webhook.organizationId,
          sinceMs: message?.madeAtMs ?? this.#parts.options.now(),
        });
      this.#sendIfDue(webhook, { ...stored, message }, head);
    }
    this.#lag.update(behind);
  }

  /** Organizations take turns, and so do the webhooks of each. */
  #inFairOrder(positions: readonly WebhookPosition[]) {
    const webhooks = new Map(this.#active.map((webhook) => [webhook.id, webhook]));
    const found = positions.flatMap((stored) => {
      const webhook = webhooks.get(stored.webhookId);
      return webhook === undefined ? [] : [{ webhook, stored }];
    });
    this.#rounds += 1;
    const byWebhook = inTurns(found, ({ webhook }) => webhook.id, this.#rounds);
    return inTurns(byWebhook, ({ webhook }) => webhook.organizationId, this.#rounds);
  }

  /** Ends the attempts of webhooks that have been paused or removed, or whose creator has lost its access. */
  #abortInactive(): void {
    const active = new Set(this.#active.map(({ id }) => id));
    for (const { webhookId, abort } of this.#sending.values()) {
      if (!active.has(webhookId)) abort.abort();
    }
  }

  #sendIfDue(webhook: Webhook, position: Position, head: ChangeHead): void {
    const key = keyOf(position);
    if (this.#sending.has(key)) return;
    const { message, deliveredSequence } = position;
    const isDue =
      message === null
        ? deliveredSequence < head.lastSequence
        : // The webhook is active, so a paused message has been resumed.
          message.delivery.state === 'paused' ||
          leasableAtMs(message.delivery) <= this.#parts.options.now();
    const { organizationId, id: webhookId } = webhook;
    if (!isDue || !this.#slots.tryTake({ organizationId, webhookId })) return;
    const abort = new AbortController();
    const ended = this.#sendAll(webhook, { first: position, head, signal: abort.signal })
      .catch((error: unknown) => this.#parts.onFailure(error))
      .finally(() => {
        this.#sending.delete(key);
        this.#slots.release({ organizationId, webhookId });
      });
    this.#sending.set(key, { webhookId, ended, abort });
  }

  /**
   * Sends one message after another, as long as each is delivered and there are more changes. Gives up its slot after
   * `MESSAGES_PER_TURN`; the next round continues.
   */
  async #sendAll(
    webhook: Webhook,
    { first, head, signal }: { first: Position; head: ChangeHead; signal: AbortSignal },
  ): Promise<void> {
    let position: Position | undefined = first;
    for (let sent = 0; sent < MESSAGES_PER_TURN; sent += 1) {
      if (signal.aborted || this.#stopping.signal.aborted) return;
      position = await this.#sendNext(webhook, position, { head, signal });
      if (position === undefined || position.deliveredSequence >= head.lastSequence) return;
    }
  }

  /** Sends the next message; returns the new position if it was delivered. */
  async #sendNext(
    webhook: Webhook,
    position: Position,
    { head, signal }: { readonly head: ChangeHead; readonly signal: AbortSignal },
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
    const { supplierId, deliveredSequence: afterSequence } = leased;
    const range = { supplierId, afterSequence, toSequence: message.toSequence };
    const chunk = await readMessageChanges(webhook, range, this.#parts);
    if (chunk === undefined) {
      await this.#pause(webhook, CHANGES_DROPPED);
      return undefined;
    }
    const outcome = await deliver(
      {
        url: current.url,
        secrets: current.secrets,
        messageId: delivery.messageId,
        message: { type: 'inventory.changed', records: chunk.records, cursor: chunk.cursor },
        causes: chunk.causes,
        madeAtMs: message.madeAtMs,
      },
      options,
      signal,
    );
    this.#parts.onAttempt?.(outcome.result.kind);
    await logAttempt(this.#parts, webhook, { messageId: delivery.messageId, range }, outcome);
    const settled = settle(delivery, outcome.result, {
      nowMs: options.now(),
      random: Math.random(),
    });
    if (settled === 'delivered' && current.verifiedAtMs === null) {
      await webhooks.verify(current.id, current.url, options.now());
    }
    const last = chunk.records.at(-1);
    if (settled === 'delivered' && last !== undefined)
      this.#lag.delivered(keyOf(position), last.change.changedAtMs);
    if (settled === 'delivered') return this.#exchange(leased, message.toSequence, null);
    await this.#exchange(leased, leased.deliveredSequence, { ...message, delivery: settled });
    if (settled.state === 'paused') await this.#pause(webhook, settled.reason);
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
    const { supplierId, deliveredSequence } = position;
    const webhookUuid = webhook.uuid;
    return nextMessage({ webhookUuid, supplierId, deliveredSequence, head, nowMs });
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

  async #pause({ id }: Webhook, pausedReason: string): Promise<void> {
    await this.#parts.webhooks.update(id, { pausedReason });
    this.#parts.onPaused?.();
  }
}

/** Identifies a position in a map. */
function keyOf({ webhookId, supplierId }: Pick<WebhookPosition, 'webhookId' | 'supplierId'>) {
  return `${webhookId} ${supplierId}`;
}

const CHANGES_DROPPED =
  'Undelivered changes are older than the retention period and have been dropped. Read the list of SKUs, and resume the webhook to receive future changes.';
