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
  /** When the URL first answered 2xx; null if it has not yet. */
  readonly verifiedAtMs: number | null;
  readonly createdAtMs: number;
}

export type WebhookDraft = Pick<
  Webhook,
  'organizationId' | 'url' | 'description' | 'supplierUuids' | 'secrets'
> & { readonly creator: WebhookCreator | null };

export type WebhookChanges = Partial<
  Pick<Webhook, 'url' | 'description' | 'supplierUuids' | 'secrets' | 'pausedReason'>
> & { readonly creator?: WebhookCreator };

/**
 * The credential that a webhook depends on: it registered the webhook, or was the last to change its URL or to resume
 * it. Delivery stops when the token is revoked, when its user is disabled, and when a token that was made on the
 * command line expires. Tokens of logins expire after hours, so their expiry does not stop it.
 */
export interface WebhookCreator {
  readonly userId: number;
  readonly tokenId: number;
}

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
