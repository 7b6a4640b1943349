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

/** The changes in a message: those of one supplier after a sequence, up to another. */
export interface MessageRange {
  readonly supplierId: number;
  readonly afterSequence: number;
  readonly toSequence: number;
}

/** One attempt to deliver one message. */
export interface WebhookAttempt {
  readonly messageId: string;
  /** Null for a test, and for attempts that were stored before onhand kept it. */
  readonly range: MessageRange | null;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** The receiver's HTTP status; null if it did not respond. */
  readonly status: number | null;
  /** The first bytes of the response, or why there was none. */
  readonly text: string;
  readonly isDelivered: boolean;
}

/** An attempt, with what was sent and received. */
export interface DetailedAttempt extends WebhookAttempt {
  /** As its sender serialized it; null for attempts that were stored before onhand kept it. */
  readonly exchange: string | null;
}

/** What an attempt sent and received, without secrets and signatures. */
export interface WebhookExchange {
  readonly request: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    /** The beginning of the body. */
    readonly body: string;
    readonly bodyBytes: number;
  };
  /** Null if the receiver did not respond. */
  readonly responseHeaders: Readonly<Record<string, string>> | null;
}

/** A message, and what its attempts tell of its delivery. */
export interface DeliveryRecord {
  readonly messageId: string;
  readonly range: MessageRange | null;
  readonly attemptCount: number;
  readonly firstStartedAtMs: number;
  readonly last: WebhookAttempt;
  readonly isDelivered: boolean;
  /** When the next attempt is due; null if none is planned. */
  readonly nextAttemptAtMs: number | null;
}

/** The message ID of a test begins with this. */
export const TEST_MESSAGE_PREFIX = 'test_';

/** The reason of a webhook that its own organization paused. */
export const PAUSED_BY_OWNER = 'Paused by its owner.';
