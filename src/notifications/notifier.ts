import type { OrganizationCount, Store, StoreHealth } from '../store/store.ts';
import type { Channel, Notification } from './channels.ts';
import { textOf } from './messages.ts';
import { countAttention, type AttentionCounts } from './attention.ts';

interface NotifierParts {
  readonly store: Pick<Store, 'accounts' | 'files' | 'batches' | 'webhooks'>;
  readonly channels: readonly Channel[];
  /** Resolves if the store can read and write. */
  readonly probe: () => Promise<StoreHealth>;
  /** Free space where files are stored; null if there is no such place. */
  readonly freeDiskBytes: () => Promise<number | null>;
  /** Less free space than this is a condition. */
  readonly freeDiskBytesMin: number;
  /** Undefined if there are no scheduled backups. */
  readonly backups: () => { readonly isUp: boolean } | undefined;
  readonly now: () => number;
  readonly onFailure: (error: unknown, channel?: string) => void;
}

/** Conditions by a key that stays the same while a condition lasts, with what people read. */
type Conditions = ReadonlyMap<string, string>;

const KINDS = ['late_suppliers', 'held_files', 'paused_webhooks', 'expiring_tokens'] as const;

const TEXT_OF: Readonly<Record<keyof AttentionCounts, (name: string, count: number) => string>> = {
  late_suppliers: (name) => `${name} has not reported for longer than expected.`,
  held_files: (name, count) =>
    `Files of ${name} that wait for an answer or a confirmation: ${count}.`,
  paused_webhooks: (name, count) => `Paused webhooks of ${name}: ${count}.`,
  expiring_tokens: (name, count) => `API tokens of ${name} that expire within a week: ${count}.`,
};

/**
 * Tells the operator when a condition begins and when it ends, once each. What begins and ends between two checks is in
 * one message per channel. A message that is not accepted is sent again with the next check.
 */
export class Notifier {
  readonly #parts: NotifierParts;
  /** What each channel was told. */
  readonly #told = new Map<Channel, Conditions>();
  #attention: Conditions = new Map();

  constructor(parts: NotifierParts) {
    this.#parts = parts;
  }

  /** Tells each channel what it has not been told, until the signal is aborted. */
  async check(signal?: AbortSignal): Promise<void> {
    const conditions = await this.#conditions();
    for (const channel of this.#parts.channels) {
      const told = this.#told.get(channel) ?? new Map<string, string>();
      const notification = notificationOf(told, conditions);
      if (notification === undefined) continue;
      try {
        await channel.send(notification, signal);
        this.#told.set(channel, conditions);
      } catch (error) {
        if (signal?.aborted === true) return;
        this.#parts.onFailure(error, channel.name);
      }
    }
  }

  async #conditions(): Promise<Conditions> {
    const { probe, freeDiskBytes, freeDiskBytesMin, backups } = this.#parts;
    const conditions = new Map<string, string>();
    const health = await probe().catch(() => undefined);
    if (health === undefined) conditions.set('store', 'The database cannot be read or written.');
    const down = health?.workers?.filter(({ isUp }) => !isUp).map(({ name }) => name) ?? [];
    for (const name of down) {
      conditions.set(
        `worker ${name}`,
        `The worker ${name} of the database cannot be reached: requests of its suppliers are answered 503.`,
      );
    }
    const freeBytes = await freeDiskBytes().catch(() => null);
    if (freeBytes !== null && freeBytes < freeDiskBytesMin) {
      conditions.set('disk', 'The disk where files are stored is nearly full.');
    }
    if (backups()?.isUp === false) {
      conditions.set('backup', 'The last backup failed or is overdue.');
    }
    // While the database or a part of it does not answer, what it said last is neither new nor over.
    if (health !== undefined && down.length === 0) await this.#readAttention();
    for (const [key, text] of this.#attention) conditions.set(key, text);
    return conditions;
  }

  async #readAttention(): Promise<void> {
    const { store, now, onFailure } = this.#parts;
    try {
      const counts = await countAttention(store, now());
      const found = KINDS.flatMap((kind) => counts[kind]);
      const ids = [...new Set(found.map(({ organizationId }) => organizationId))];
      const organizations = await store.accounts.findOrganizationsById(ids);
      const names = new Map(organizations.map(({ id, name }) => [id, name]));
      const line = (
        kind: keyof AttentionCounts,
        { organizationId: id, count }: OrganizationCount,
      ) => [`${kind} ${id}`, TEXT_OF[kind](names.get(id) ?? String(id), count)] as const;
      this.#attention = new Map(
        KINDS.flatMap((kind) => counts[kind].map((each) => line(kind, each))),
      );
    } catch (error) {
      onFailure(error);
    }
  }
}

/** Undefined if nothing began or ended. */
function notificationOf(before: Conditions, after: Conditions): Notification | undefined {
  const begun = [...after].filter(([key]) => !before.has(key)).map(([, text]) => text);
  const ended = [...before].filter(([key]) => !after.has(key)).map(([, text]) => text);
  if (begun.length + ended.length === 0) return undefined;
  return textOf(begun, ended);
}
