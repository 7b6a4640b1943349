/** The part of the store contract that is about webhooks: whom changes are sent to, and how far that is. */

/** Where an organization wants changes to be sent. */
export interface Webhook {
  readonly id: number;
  readonly uuid: string;
  readonly organizationId: number;
  readonly url: string;
  readonly description: string | null;
  /** The suppliers whose changes are sent; null is all that the organization sees. */
  readonly supplierUuids: readonly string[] | null;
  readonly secrets: {
    readonly current: string;
    readonly previous: { readonly secret: string; readonly untilMs: number } | null;
  };
  /** Why nothing is sent; null while it is. */
  readonly pausedReason: string | null;
  readonly createdAtMs: number;
}

export type WebhookDraft = Omit<Webhook, 'id' | 'uuid' | 'pausedReason' | 'createdAtMs'>;

export type WebhookChanges = Partial<
  Pick<Webhook, 'url' | 'description' | 'supplierUuids' | 'secrets' | 'pausedReason'>
>;

/** How far a webhook is with one supplier. */
export interface WebhookPosition {
  readonly webhookId: number;
  readonly supplierId: number;
  /** The changes up to this one were delivered. */
  readonly deliveredSequence: number;
  /** The message that is on its way, as its sender wrote it down; null where there is none. */
  readonly message: string | null;
  /** Raised with each change of the position. */
  readonly version: number;
}

/** One attempt to deliver one message. */
export interface WebhookAttempt {
  readonly messageId: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** The receiver's; null where it did not answer. */
  readonly status: number | null;
  /** The first bytes of its response, or why there was none. */
  readonly text: string;
  readonly isDelivered: boolean;
}

/** How many attempts of a webhook are kept. */
export const ATTEMPTS_KEPT = 100;

export interface WebhookStore {
  create(draft: WebhookDraft): Promise<Webhook>;
  /** Of an organization, the oldest first. */
  list(organizationId: number): Promise<readonly Webhook[]>;
  find(organizationId: number, uuid: string): Promise<Webhook | undefined>;
  update(id: number, changes: WebhookChanges): Promise<void>;
  /** With its positions and its attempts. */
  remove(id: number): Promise<void>;

  /** Those that are not paused, of all organizations. */
  active(): Promise<readonly Webhook[]>;
  positions(webhookIds: readonly number[]): Promise<readonly WebhookPosition[]>;
  /** Begins to follow a supplier after that sequence; has no effect where it is followed. */
  follow(webhookId: number, supplierId: number, sequence: number): Promise<void>;
  unfollow(webhookId: number, supplierId: number): Promise<void>;
  /** Puts a position in the place of the one with its version, and says whether that still stood. */
  exchange(position: WebhookPosition): Promise<boolean>;

  /** Keeps the latest `ATTEMPTS_KEPT`. */
  logAttempt(webhookId: number, attempt: WebhookAttempt): Promise<void>;
  /** The latest first. */
  attempts(webhookId: number): Promise<readonly WebhookAttempt[]>;
}
