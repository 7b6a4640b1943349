import type { Generated } from 'kysely';
import type { Digest, RecipientChannel } from '../../domain/notifications.ts';
import type { OrganizationType, TokenKind } from '../../domain/parties.ts';

/**
 * The tables and columns that the statements of this folder use: the same in every database. The
 * `schema/migrations.ts` of each implementation describes them.
 */
export interface SqlTables {
  organizations: {
    id: Generated<number>;
    uuid: string;
    name: string;
    type: OrganizationType;
    created_at_ms: number;
    suspended_at_ms: Generated<number | null>;
  };
  suppliers: {
    id: number;
    sku_count: Generated<number>;
    retired_count: Generated<number>;
    last_batch_number: Generated<number>;
    breaker_percent_max: Generated<number | null>;
    breaker_skus_min: Generated<number | null>;
    expected_interval_minutes: Generated<number | null>;
  };
  connections: { retailer_id: number; supplier_id: number; created_at_ms: number };
  users: {
    id: Generated<number>;
    uuid: string;
    organization_id: number;
    username: string | null;
    password_hash: string | null;
    permissions: string;
    created_at_ms: number;
    disabled_at_ms: Generated<number | null>;
  };
  tokens: {
    id: Generated<number>;
    token_hash: Uint8Array;
    user_id: number;
    permissions: string;
    created_at_ms: number;
    expires_at_ms: number | null;
    revoked_at_ms: number | null;
    /** Null, from earlier versions: `login` for a user with a name, else `api`. */
    kind: Generated<TokenKind | null>;
    uuid: Generated<string>;
    name: Generated<string | null>;
    last_used_at_ms: Generated<number | null>;
    user_agent: Generated<string | null>;
    address: Generated<string | null>;
  };
  audit_entries: {
    sequence: number;
    organization_uuid: string;
    action: string;
    entry: string;
    hash: string;
  };
  audit_head: { id: number; sequence: number; hash: string };
  batches: {
    supplier_id: number;
    number: number;
    uuid: string;
    source: string;
    user_id: number | null;
    applied_at_ms: number;
    duration_ms: number;
    line_count: number;
    /** A JSON object; null if every line was applied. */
    status_counts: string | null;
    changed_count: number;
    first_sequence: number | null;
    zeroed_count: number;
    reason: string | null;
    reference: string | null;
    reverts_number: number | null;
    traceparent: string | null;
  };
  hour_counts: {
    supplier_id: number;
    /** Hours since 1970-01-01T00:00Z. */
    hour: number;
    source: string;
    batches: number;
    lines: number;
    changed: number;
    failed: number;
  };
  batch_failures: {
    supplier_id: number;
    batch_number: number;
    applied_at_ms: number;
    failures: Uint8Array;
  };
  idempotency_keys: {
    supplier_id: number;
    key: string;
    fingerprint: Uint8Array;
    batch_number: number;
    request_id: string;
    expires_at_ms: number;
    effects: Uint8Array | null;
  };
  confirmations: {
    supplier_id: number;
    code: string;
    fingerprint: Uint8Array;
    expires_at_ms: number;
  };
  /** Uploaded files. */
  feeds: {
    supplier_id: number;
    number: number;
    uuid: string;
    user_id: number | null;
    filename: string | null;
    bytes: number;
    asked: string;
    reason: string | null;
    reference: string | null;
    traceparent: string | null;
    idempotency_key: string | null;
    fingerprint: Uint8Array | null;
    state: string;
    found: string | null;
    row_count: Generated<number>;
    rows_expected: number | null;
    status_counts: Generated<string>;
    problem_code: string | null;
    problem_detail: string | null;
    uploaded_at_ms: number;
    started_at_ms: number | null;
    finished_at_ms: number | null;
    is_confirmed: Generated<number>;
    is_cancel_asked: Generated<number>;
    is_kept: Generated<number>;
    /** The size of the reports that are stored beside the file. */
    report_bytes: Generated<number>;
    /** The node that holds the lease. */
    claimed_by: Generated<string | null>;
    claimed_until_ms: Generated<number>;
  };
  /** Chunks of uploaded files. */
  feed_pieces: {
    supplier_id: number;
    feed_number: number;
    piece: number;
    row_count: number;
    batch_uuid: string | null;
    failures: Uint8Array | null;
  };
  /** What is stored per supplier about its files. */
  feed_suppliers: {
    supplier_id: number;
    last_number: Generated<number>;
    column_names: Generated<string>;
    rules: Generated<string>;
  };
  webhooks: {
    id: Generated<number>;
    uuid: string;
    organization_id: number;
    url: string;
    description: string | null;
    supplier_uuids: string | null;
    secret: string;
    previous_secret: string | null;
    previous_secret_until_ms: number | null;
    paused_reason: string | null;
    created_at_ms: number;
    user_id: number | null;
    token_id: number | null;
    verified_at_ms: number | null;
  };
  webhook_positions: {
    webhook_id: number;
    supplier_id: number;
    delivered_sequence: number;
    message: string | null;
    version: number;
  };
  webhook_attempts: {
    id: Generated<number>;
    webhook_id: number;
    message_id: string;
    started_at_ms: number;
    duration_ms: number;
    status: number | null;
    text: string;
    is_delivered: number;
    supplier_id: number | null;
    after_sequence: number | null;
    to_sequence: number | null;
    exchange: string | null;
  };
  notification_recipients: {
    id: Generated<number>;
    uuid: string;
    organization_id: number;
    channel: RecipientChannel;
    address: string;
    kinds: string;
    digest: Digest;
    daily_at: number;
    quiet_from: number | null;
    quiet_until: number | null;
    time_zone: string;
    repeat_minutes: number;
    tells_resolved: number;
    created_at_ms: number;
    confirmed_at_ms: number | null;
    code_hash: Generated<string | null>;
    code_expires_at_ms: Generated<number | null>;
    code_tries_left: Generated<number>;
    told: Generated<string>;
    digest_window: number;
    sent_at_ms: Generated<number | null>;
    failures: Generated<number>;
    failed_at_ms: Generated<number | null>;
    failure: Generated<string | null>;
  };
  confirmation_emails: {
    id: Generated<number>;
    uuid: string;
    organization_id: number;
    mailbox: string;
    sent_at_ms: number;
  };
  safety_limit_trips: { supplier_id: number; tripped_at_ms: number; detail: string };
  notification_turns: { id: number; node_id: string; until_ms: number };
}
