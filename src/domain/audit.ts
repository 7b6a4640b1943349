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
  'expected_interval.set',
  'file_rules.changed',
  'webhook.created',
  'webhook.changed',
  'webhook.paused',
  'webhook.resumed',
  'webhook.secret_rotated',
  'webhook.message_sent_again',
  'webhook.recovered',
  'webhook.removed',
  'recipient.created',
  'recipient.changed',
  'recipient.confirmed',
  'recipient.removed',
  'sku.retired',
  'batch.confirmed',
  'batch.reverted',
  'file.confirmed',
  'file.reverted',
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

/** A deed and its author, with the organization by its id. */
export interface AuditNote extends Omit<Deed, 'organizationUuid'> {
  readonly author: Author;
  readonly organizationId: number;
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

/** The columns of an export. */
export const AUDIT_COLUMNS = [
  'sequence',
  'at',
  'action',
  'organization',
  'subject',
  'actor',
  'address',
  'details',
  'request_id',
  'hash',
] as const;
export type AuditColumn = (typeof AUDIT_COLUMNS)[number];

/**
 * An entry as one line of JSON: the members as they were written, between those that the chain adds. An entry that was
 * tampered with may have any text, which is then one of its members.
 */
export function auditLine({ sequence, text, hash }: AuditEntry): string {
  const isObject = Object.keys(membersOf(text)).length > 0;
  const members = isObject ? text.trim().slice(1, -1) : `"text":${JSON.stringify(text)}`;
  return `{"sequence":${sequence},${members},"hash":${JSON.stringify(hash)}}`;
}

/** An entry as the cells of a table. */
export function auditCells({
  sequence,
  action,
  text,
  hash,
}: AuditEntry): Readonly<Record<AuditColumn, string>> {
  const members = membersOf(text);
  const shown = (member: AuditColumn): string => {
    const value = members[member] ?? '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  return {
    sequence: String(sequence),
    action,
    hash,
    at: shown('at'),
    organization: shown('organization'),
    subject: shown('subject'),
    actor: shown('actor'),
    address: shown('address'),
    details: shown('details'),
    request_id: shown('request_id'),
  };
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? { ...entry } : {};
  } catch {
    return {};
  }
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
