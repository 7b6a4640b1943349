/** A subscription: an organization's URL that receives changes. */
export interface Webhook {
  readonly id: number;
  readonly uuid: string;
  readonly organizationId: number;
  readonly url: string;
  readonly description: string | null;
  /** The suppliers whose changes are sent; null is every supplier that the organization may see. */
  readonly supplierUuids: readonly string[] | null;
  readonly secrets: {
    readonly current: string;
    readonly previous: { readonly secret: string; readonly untilMs: number } | null;
  };
  /** Why delivery is paused; null if it is active. */
  readonly pausedReason: string | null;
  readonly createdAtMs: number;
}

export type WebhookDraft = Omit<Webhook, 'id' | 'uuid' | 'pausedReason' | 'createdAtMs'>;

export type WebhookChanges = Partial<
  Pick<Webhook, 'url' | 'description' | 'supplierUuids' | 'secrets' | 'pausedReason'>
>;

/** A webhook's position in the changes of one supplier. */
export interface WebhookPosition {
  readonly webhookId: number;
  readonly supplierId: number;
  /** Changes up to this sequence were delivered. */
  readonly deliveredSequence: number;
  /** The message being delivered, as its sender serialized it; null if there is none. */
  readonly message: string | null;
  /** Incremented with each update, for optimistic locking. */
  readonly version: number;
}

/** One attempt to deliver one message. */
export interface WebhookAttempt {
  readonly messageId: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** The receiver's HTTP status; null if it did not respond. */
  readonly status: number | null;
  /** The first bytes of the response, or why there was none. */
  readonly text: string;
  readonly isDelivered: boolean;
}

/** How many attempts are kept per webhook. */
export const ATTEMPTS_KEPT = 100;
