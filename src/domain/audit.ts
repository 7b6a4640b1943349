/** The audit log: who did what to accounts and settings. */

/** Who does something, as the audit log names them. */
export interface Author {
  readonly kind: 'user' | 'token' | 'command_line' | 'server';
  /** The user's name, or the name of the operating system's user on the command line. */
  readonly name: string | null;
  readonly tokenId?: number;
  readonly requestId?: string;
  /** The client's address. */
  readonly address?: string;
}

/** The author of what no client asked for. */
export const SERVER_AUTHOR: Author = { kind: 'server', name: null };

export const AUDIT_ACTIONS = [
  'organization.created',
  'organization.renamed',
  'organization.disabled',
  'organization.enabled',
  'connection.created',
  'connection.removed',
  'user.created',
  'user.changed',
  'user.disabled',
  'user.enabled',
  'password.changed',
  'token.created',
  'token.revoked',
  'session.started',
  'session.ended',
  'safety_limit.set',
  'safety_limit.cleared',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What was done, without secrets. */
export interface Deed {
  readonly action: AuditAction;
  /** The organization that it was done to. */
  readonly organizationUuid: string;
  /** What it was done to: a UUID or a name. */
  readonly subject: string;
  readonly details?: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

/** An entry of the audit log. */
export interface AuditEntry {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly organizationUuid: string;
  readonly action: string;
  /** The entry as it was written: a JSON object, which the hash covers. */
  readonly text: string;
  /** SHA-256 of the hash before, a line break, and `text`, in hexadecimal digits. */
  readonly hash: string;
}

/** The text of an entry. */
export function auditText(author: Author, deed: Deed, timeMs: number): string {
  return JSON.stringify({
    at: new Date(timeMs).toISOString(),
    action: deed.action,
    organization: deed.organizationUuid,
    subject: deed.subject,
    actor: {
      kind: author.kind,
      name: author.name,
      ...(author.tokenId !== undefined && { token_id: author.tokenId }),
    },
    request_id: author.requestId ?? null,
    address: author.address ?? null,
    details: deed.details ?? {},
  });
}
