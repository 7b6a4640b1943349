/** Who gets notifications of what needs attention, and how. */
import type { OrganizationType } from './parties.ts';

export const NOTIFICATION_KINDS = [
  'supplier_late',
  'file_held',
  'file_failed',
  'safety_limit',
  'webhook_paused',
  'token_expiring',
] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** What the recipients of each type of organization can be told: retailers have no files and safety limits. */
export const KINDS_OF_TYPE: Readonly<Record<OrganizationType, readonly NotificationKind[]>> = {
  supplier: NOTIFICATION_KINDS,
  retailer: ['supplier_late', 'webhook_paused', 'token_expiring'],
  operator: NOTIFICATION_KINDS,
};

/** An email, an incoming webhook of a chat program, or a webhook that gets JSON. */
export const RECIPIENT_CHANNELS = ['email', 'slack', 'teams', 'webhook'] as const;
export type RecipientChannel = (typeof RECIPIENT_CHANNELS)[number];

/** `hourly` and `daily` collect what happens until the next full hour, or the recipient's time of day. */
export const DIGESTS = ['immediately', 'hourly', 'daily'] as const;
export type Digest = (typeof DIGESTS)[number];

/** What the owner of a recipient chooses. Times of day are minutes since midnight in `timeZone`. */
export interface RecipientChoices {
  readonly kinds: readonly NotificationKind[];
  readonly digest: Digest;
  /** When a daily digest is due. */
  readonly dailyAtMinute: number;
  /** Nothing is sent from one time of day until the other, which may be on the next day. */
  readonly quiet: { readonly fromMinute: number; readonly untilMinute: number } | null;
  /** A name of the IANA time zone database, such as `Europe/Berlin`. */
  readonly timeZone: string;
  /** The same condition is not repeated for this time after it was sent. */
  readonly repeatMinutes: number;
  /** Whether a message follows when a condition ends. */
  readonly tellsResolved: boolean;
}

/** An address that an organization has notifications sent to. */
export interface Recipient extends RecipientChoices {
  readonly id: number;
  readonly uuid: string;
  readonly organizationId: number;
  readonly channel: RecipientChannel;
  /** An email address or a URL. URLs of chat programs are secrets. */
  readonly address: string;
  readonly createdAtMs: number;
  /** Null until the owner of an email address has agreed: nothing but the question is sent. */
  readonly confirmedAtMs: number | null;
  readonly progress: RecipientProgress;
}

/** What a recipient was told, and what is still due. */
export interface RecipientProgress {
  /** As `notifications/` serialized it. */
  readonly told: string;
  /** The number of the last hour or day whose digest was sent, or had nothing in it. */
  readonly digestWindow: number;
  readonly sentAtMs: number | null;
  /** How often in succession messages were not accepted, when that was last, and why. */
  readonly failures: number;
  readonly failedAtMs: number | null;
  readonly failure: string | null;
}

export type RecipientDraft = RecipientChoices &
  Pick<Recipient, 'organizationId' | 'channel' | 'address' | 'confirmedAtMs'>;

/** An email that asks whether its receiver wants notifications. */
export interface ConfirmationEmail {
  readonly organizationId: number;
  /** The address in lower case and without `+…`, so that each spelling of a mailbox counts as one. */
  readonly mailbox: string;
  readonly sentAtMs: number;
}

/** How long the code of a confirmation is valid, and how many wrong ones may be given. */
export const CONFIRMATION_MS = 86_400_000;
export const CONFIRMATION_TRIES = 5;
