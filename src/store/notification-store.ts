/** The part of the store contract about the recipients of notifications (see `store.ts`). */
import type { AuditNote } from '../domain/audit.ts';
import type {
  ConfirmationEmail,
  Recipient,
  RecipientChoices,
  RecipientDraft,
  RecipientProgress,
} from '../domain/notifications.ts';

/** Most emails with a confirmation in any day. */
export interface ConfirmationLimits {
  readonly organizationMax: number;
  readonly mailboxMax: number;
}

/** Files of a supplier that did not get through. */
export interface FileTrouble {
  readonly supplierId: number;
  /** `held` waits for an answer, `tripped` for leave to exceed the safety limit; `failed` was refused or stopped midway. */
  readonly kind: 'held' | 'tripped' | 'failed';
  readonly count: number;
  /** Grows with each such file. */
  readonly mark: number;
  /** Of the latest. */
  readonly filename: string | null;
  readonly detail: string | null;
}

/** A request that was refused because it exceeded a safety limit: the latest of a supplier. */
export interface SafetyLimitTrip {
  readonly supplierId: number;
  readonly trippedAtMs: number;
  /** The error's message. */
  readonly detail: string;
}

export interface NotificationStore {
  list(organizationId: number): Promise<readonly Recipient[]>;
  find(organizationId: number, uuid: string): Promise<Recipient | undefined>;
  /** Undefined if the organization has `limit` recipients already. */
  create(
    draft: RecipientDraft,
    limit: number,
    noteOn: (uuid: string) => AuditNote,
  ): Promise<Recipient | undefined>;
  /** The next digest is due as that of a new recipient. */
  change(id: number, choices: RecipientChoices, note: AuditNote): Promise<void>;
  remove(id: number, note: AuditNote): Promise<void>;
  /**
   * Counts an email with a confirmation before it is sent. Resolves with whether it may be sent: concurrent calls of an
   * organization cannot pass the limits.
   */
  countConfirmation(email: ConfirmationEmail, limits: ConfirmationLimits): Promise<boolean>;
  /** Makes a code the only one that confirms a recipient, for a day. */
  setCode(id: number, codeHash: string, nowMs: number): Promise<void>;
  /** Confirms a recipient by its code. Resolves with whether it is the right one; a wrong one uses up a try. */
  confirm(id: number, codeHash: string, nowMs: number, note: AuditNote): Promise<boolean>;

  /** The recipients to whom notifications are sent: without those of disabled organizations. */
  confirmed(): Promise<readonly Recipient[]>;
  recordProgress(id: number, progress: RecipientProgress): Promise<void>;
  /** Lets one node at a time send notifications. Resolves with whether it is this one until `untilMs`. */
  takeTurn(nodeId: string, nowMs: number, untilMs: number): Promise<boolean>;
  recordTrip(trip: SafetyLimitTrip): Promise<void>;
  /** Those since a time. */
  trips(sinceMs: number): Promise<readonly SafetyLimitTrip[]>;
  /** Held files, and those that have failed since a time. */
  fileTroubles(failedSinceMs: number): Promise<readonly FileTrouble[]>;
}
