import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeHead } from '../domain/changes.ts';
import type { Webhook, WebhookPosition } from '../domain/webhooks.ts';
import type { AccountStore, ChangeStore, WebhookStore } from '../store/store.ts';
import { deliver, type AttemptOutcome, type DeliverOptions } from './attempt.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import { followVisible, suppliersOf } from './suppliers.ts';
import { readMessage, writeMessage, type OutgoingMessage } from './message-record.ts';
import { lease, leasableAtMs, newDelivery, resume, settle } from './schedule.ts';

/** How often a node looks for something to send; and how often whether anything was registered. */
const ROUND_EVERY_MS = 200;
const LOOK_EVERY_MS = 1000;
/** How many changes one message has at most. */
const RECORDS_MAX = 500;
/** Messages on their way from one node, of all webhooks and of one: a slow receiver holds up only its own. */
const SENDING_MAX = 64;
const SENDING_OF_WEBHOOK_MAX = 4;
/** How much longer than an attempt a lease is: for writing down what came of it. */
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
  /** This process, among those on the same database. */
  readonly nodeId: string;
  /** Told what went wrong with the store; the next round tries again. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Sends webhooks what has changed: of each supplier in order, one message at a time, until it is delivered.
 * Any node may send; which one does is agreed by a lease in the position (`WebhookStore.exchange`).
 */
export class WebhookSender {
  readonly #parts: SenderParts;
  /** By webhook and supplier. */
  readonly #sending = new Map<string, Promise<void>>();
  #active: readonly Webhook[] = [];
  #lookedAtMs = -Infinity;
  #running: Promise<void> | undefined;
  readonly #stopping = new AbortController();

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when no attempt of this node is under way any more. */
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
      const pauseMs = this.#active.length === 0 ? LOOK_EVERY_MS : ROUND_EVERY_MS;
      await delay(pauseMs, undefined, { signal: this.#stopping.signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  async #round(): Promise<void> {
    const { webhooks, changes } = this.#parts;
    const isTimeToLook = performance.now() - this.#lookedAtMs >= LOOK_EVERY_MS;
    if (isTimeToLook) {
      this.#lookedAtMs = performance.now();
      this.#active = await webhooks.active();
    }
    if (this.#active.length === 0) return;
    if (isTimeToLook) {
      for (const webhook of this.#active) await followVisible(webhook, this.#parts);
    }
    const positions = await webhooks.positions(this.#active.map(({ id }) => id));
    const heads = await changes.heads([...new Set(positions.map(({ supplierId }) => supplierId))]);
    for (const position of positions) {
      const webhook = this.#active.find(({ id }) => id === position.webhookId);
      const head = heads.get(position.supplierId);
      if (webhook !== undefined && head !== undefined) this.#consider(webhook, position, head);
    }
  }

  #consider(webhook: Webhook, position: WebhookPosition, head: ChangeHead): void {
    const key = `${position.webhookId} ${position.supplierId}`;
    if (this.#sending.has(key) || this.#sending.size >= SENDING_MAX) return;
    const ofWebhook = [...this.#sending.keys()].filter((other) =>
      other.startsWith(`${position.webhookId} `),
    );
    if (ofWebhook.length >= SENDING_OF_WEBHOOK_MAX) return;
    const isQuiet = position.message === null && position.deliveredSequence >= head.lastSequence;
    if (isQuiet || !this.#isDue(position)) return;
    const sending = this.#sendAll(webhook, position, head)
      .catch((error: unknown) => this.#parts.onFailure(error))
      .finally(() => this.#sending.delete(key));
    this.#sending.set(key, sending);
  }

  #isDue({ message }: WebhookPosition): boolean {
    if (message === null) return true;
    const { delivery } = readMessage(message);
    // It was paused, and the webhook has been resumed since.
    return delivery.state === 'paused' || leasableAtMs(delivery) <= this.#parts.options.now();
  }

  /** Sends one message after another, as long as each is delivered and there is more. */
  async #sendAll(webhook: Webhook, first: WebhookPosition, head: ChangeHead): Promise<void> {
    let position: WebhookPosition | undefined = first;
    while (position !== undefined && !this.#stopping.signal.aborted) {
      position = await this.#sendNext(webhook, position, head);
      if (position !== undefined && position.deliveredSequence >= head.lastSequence) return;
    }
  }

  /** Sends the next message; the position after it where it was delivered, else undefined. */
  async #sendNext(
    webhook: Webhook,
    position: WebhookPosition,
    head: ChangeHead,
  ): Promise<WebhookPosition | undefined> {
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
      // Given back, so that it need not wait for the end of the lease where it may be sent again.
      const kept = position.message === null ? null : message;
      await this.#exchange(leased, leased.deliveredSequence, kept);
      return undefined;
    }
    const chunk = await this.#read(webhook, leased, message);
    if (chunk === undefined) {
      await webhooks.update(webhook.id, { pausedReason: NO_LONGER_KEPT });
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
    const settled = settle(delivery, delivery, outcome.result, {
      nowMs: options.now(),
      random: Math.random(),
    });
    if (settled === undefined) return undefined;
    if (settled.state === 'delivered') return this.#exchange(leased, message.toSequence, null);
    await this.#exchange(leased, leased.deliveredSequence, { ...message, delivery: settled });
    if (settled.state === 'paused') {
      await webhooks.update(webhook.id, { pausedReason: settled.reason });
    }
    return undefined;
  }

  /**
   * The webhook as it now is, or undefined where it may not be sent to. Asked at the last moment: what was
   * removed or disconnected since must not be told, nor signed with a secret that was replaced.
   */
  async #sendable(
    { organizationId, uuid, url }: Webhook,
    supplierId: number,
  ): Promise<Webhook | undefined> {
    const { webhooks, accounts } = this.#parts;
    const now = await webhooks.find(organizationId, uuid);
    if (now === undefined || now.url !== url || now.pausedReason !== null) return undefined;
    return (await suppliersOf(now, accounts)).includes(supplierId) ? now : undefined;
  }

  #nextMessage(webhook: Webhook, position: WebhookPosition, head: ChangeHead): OutgoingMessage {
    const nowMs = this.#parts.options.now();
    if (position.message !== null) {
      const message = readMessage(position.message);
      return { ...message, delivery: resume(message.delivery, nowMs) };
    }
    const toSequence = Math.min(head.lastSequence, position.deliveredSequence + RECORDS_MAX);
    const messageId = `msg_${webhook.uuid}_${position.supplierId}_${toSequence}`;
    return { toSequence, madeAtMs: nowMs, delivery: newDelivery(messageId, nowMs) };
  }

  /** Writes a position down; as it then stands, or undefined where another was faster. */
  async #exchange(
    { version, ...position }: WebhookPosition,
    deliveredSequence: number,
    message: OutgoingMessage | null,
  ): Promise<WebhookPosition | undefined> {
    const next = {
      ...position,
      deliveredSequence,
      message: message && writeMessage(message),
      version,
    };
    const isDone = await this.#parts.webhooks.exchange(next);
    return isDone ? { ...next, version: version + 1 } : undefined;
  }

  /** The changes of a message with the cursor behind them; undefined where they are no longer kept. */
  async #read(webhook: Webhook, position: WebhookPosition, { toSequence }: OutgoingMessage) {
    const { changes, feed } = this.#parts;
    const { supplierId, deliveredSequence } = position;
    const count = toSequence - deliveredSequence;
    const read = await changes.read(supplierId, deliveredSequence, count);
    if (read[0]?.sequence !== deliveredSequence + 1 || read.length !== count) return undefined;
    const reader = {
      organizationId: webhook.organizationId,
      supplierIds: () => Promise.resolve([supplierId]),
    };
    const place = { sequences: new Map([[supplierId, toSequence]]), turn: 0 };
    const records = read.map((change) => ({ kind: 'change' as const, change }));
    return { records, cursor: await feed.print(reader, place) };
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

const NO_LONGER_KEPT =
  'Changes that were not delivered yet are no longer kept. Resume it to go on with those to come, and read the list of SKUs.';
