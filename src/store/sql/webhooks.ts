import type { Selectable } from 'kysely';
import { sql } from './kysely.ts';
import { v4 as uuidv4 } from 'uuid';
import type { SqlDatabase } from './database.ts';
import type { SqlTables } from './tables.ts';
import {
  type DetailedAttempt,
  type Webhook,
  type WebhookAttempt,
  type WebhookChanges,
  type WebhookDraft,
  type WebhookPosition,
} from '../../domain/webhooks.ts';
import type { WebhookStore } from '../store.ts';
import type { AuditNote } from '../../domain/audit.ts';
import { noted } from './audit.ts';

/** A webhook, with what decides whether its creator still has access. */
type WebhookRow = Selectable<SqlTables['webhooks']> & {
  readonly token_revoked_at_ms: number | null;
  /** Null for tokens of logins and sessions too: their expiry does not count. */
  readonly token_expires_at_ms: number | null;
  readonly user_disabled_at_ms: number | null;
  readonly organization_disabled_at_ms: number | null;
};

export class SqlWebhooks implements WebhookStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async create(draft: WebhookDraft, limit: number): Promise<Webhook | undefined> {
    const { db, hasRowLocks } = this.#database;
    const { organizationId } = draft;
    const uuid = uuidv4();
    const row = {
      ...rowOf(draft),
      uuid,
      organization_id: organizationId,
      paused_reason: null,
      created_at_ms: Date.now(),
    };
    // Without row locks there is one writer; with them, registrations of one organization take turns.
    const lock = db
      .selectFrom('organizations')
      .select('id')
      .where('id', '=', organizationId)
      .forUpdate();
    const insert = db.insertInto('webhooks').values(row);
    const count = db
      .selectFrom('webhooks as others')
      .select(db.fn.countAll<number>().as('count'))
      .where('others.organization_id', '=', organizationId);
    const removeExcess = db
      .deleteFrom('webhooks')
      .where('uuid', '=', uuid)
      .where(count, '>', limit);
    const statements = [insert, removeExcess];
    await this.#database.transact(hasRowLocks ? [lock, ...statements] : statements);
    return this.find(organizationId, uuid);
  }

  /** Webhooks with what decides whether their creators still have access. */
  #webhooks() {
    return this.#database.db
      .selectFrom('webhooks')
      .innerJoin('organizations', 'organizations.id', 'webhooks.organization_id')
      .leftJoin('tokens', 'tokens.id', 'webhooks.token_id')
      .leftJoin('users', 'users.id', 'webhooks.user_id')
      .selectAll('webhooks')
      .select((of) => [
        'tokens.revoked_at_ms as token_revoked_at_ms',
        'users.disabled_at_ms as user_disabled_at_ms',
        'organizations.suspended_at_ms as organization_disabled_at_ms',
        of
          .case()
          .when(
            of.or([
              of('tokens.kind', '=', 'api'),
              of.and([of('tokens.kind', 'is', null), of('users.username', 'is', null)]),
            ]),
          )
          .then(of.ref('tokens.expires_at_ms'))
          .end()
          .as('token_expires_at_ms'),
      ]);
  }

  async list(organizationId: number): Promise<readonly Webhook[]> {
    const rows = await this.#webhooks()
      .where('webhooks.organization_id', '=', organizationId)
      .orderBy('webhooks.id')
      .execute();
    return rows.map(webhookOf);
  }

  async find(organizationId: number, uuid: string): Promise<Webhook | undefined> {
    const row = await this.#webhooks()
      .where('webhooks.organization_id', '=', organizationId)
      .where('webhooks.uuid', '=', uuid)
      .executeTakeFirst();
    return row && webhookOf(row);
  }

  async update(id: number, changes: WebhookChanges, note?: AuditNote): Promise<void> {
    const change = this.#database.db
      .updateTable('webhooks')
      .set(changedRow(changes))
      .where('id', '=', id);
    await noted(this.#database, note, [change]);
  }

  async verify(id: number, url: string, atMs: number): Promise<void> {
    await this.#database.db
      .updateTable('webhooks')
      .set({ verified_at_ms: atMs })
      .where('id', '=', id)
      .where('url', '=', url)
      .where('verified_at_ms', 'is', null)
      .execute();
  }

  async remove(id: number, note?: AuditNote): Promise<void> {
    await this.#database.db.deleteFrom('webhook_attempts').where('webhook_id', '=', id).execute();
    await this.#database.db.deleteFrom('webhook_positions').where('webhook_id', '=', id).execute();
    const remove = this.#database.db.deleteFrom('webhooks').where('id', '=', id);
    await noted(this.#database, note, [remove]);
  }

  async active(): Promise<readonly Webhook[]> {
    const rows = await this.#webhooks()
      .where('webhooks.paused_reason', 'is', null)
      .orderBy('webhooks.id')
      .execute();
    return rows.map(webhookOf).filter(({ pausedReason }) => pausedReason === null);
  }

  async paused(): Promise<readonly Webhook[]> {
    const rows = await this.#webhooks().orderBy('webhooks.id').execute();
    return rows.map(webhookOf).filter(({ pausedReason }) => pausedReason !== null);
  }

  async positions(webhookIds: readonly number[]): Promise<readonly WebhookPosition[]> {
    if (webhookIds.length === 0) return [];
    const rows = await this.#database.db
      .selectFrom('webhook_positions')
      .selectAll()
      .where('webhook_id', 'in', webhookIds)
      .execute();
    return rows.map((row) => ({
      webhookId: row.webhook_id,
      supplierId: row.supplier_id,
      deliveredSequence: row.delivered_sequence,
      message: row.message,
      version: row.version,
    }));
  }

  async follow(webhookId: number, supplierId: number, sequence: number): Promise<void> {
    const follow = this.#database.db
      .insertInto('webhook_positions')
      .values({
        webhook_id: webhookId,
        supplier_id: supplierId,
        delivered_sequence: sequence,
        message: null,
        version: 1,
      })
      .onConflict((conflict) => conflict.columns(['webhook_id', 'supplier_id']).doNothing());
    try {
      await follow.execute();
    } catch (error) {
      // A webhook that is removed at the same time must not stop the others.
      if (!this.#database.isOrphan(error)) throw error;
    }
  }

  async unfollow(webhookId: number, supplierId: number): Promise<void> {
    await this.#database.db
      .deleteFrom('webhook_positions')
      .where('webhook_id', '=', webhookId)
      .where('supplier_id', '=', supplierId)
      .execute();
  }

  async exchange(position: WebhookPosition): Promise<boolean> {
    const { webhookId, supplierId, deliveredSequence, message, version } = position;
    const { numUpdatedRows } = await this.#database.db
      .updateTable('webhook_positions')
      .set({ delivered_sequence: deliveredSequence, message, version: version + 1 })
      .where('webhook_id', '=', webhookId)
      .where('supplier_id', '=', supplierId)
      .where('version', '=', version)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async logAttempt(webhookId: number, attempt: DetailedAttempt, keptMax: number): Promise<void> {
    await this.#database.db
      .insertInto('webhook_attempts')
      .values({
        webhook_id: webhookId,
        message_id: attempt.messageId,
        started_at_ms: attempt.startedAtMs,
        duration_ms: attempt.durationMs,
        status: attempt.status,
        text: attempt.text,
        is_delivered: Number(attempt.isDelivered),
        supplier_id: attempt.range?.supplierId ?? null,
        after_sequence: attempt.range?.afterSequence ?? null,
        to_sequence: attempt.range?.toSequence ?? null,
        exchange: attempt.exchange,
      })
      .execute();
    const kept = this.#database.db
      .selectFrom('webhook_attempts')
      .select('id')
      .where('webhook_id', '=', webhookId)
      .orderBy('id', 'desc')
      .limit(keptMax);
    await this.#database.db
      .deleteFrom('webhook_attempts')
      .where('webhook_id', '=', webhookId)
      .where('id', 'not in', kept)
      .execute();
  }

  async attempts(webhookId: number): Promise<readonly WebhookAttempt[]> {
    const rows = await this.#database.db
      .selectFrom('webhook_attempts')
      .select(ATTEMPT_COLUMNS)
      .where('webhook_id', '=', webhookId)
      .orderBy('id', 'desc')
      .execute();
    return rows.map(attemptOf);
  }

  async attemptsOf(webhookId: number, messageId: string): Promise<readonly DetailedAttempt[]> {
    const rows = await this.#database.db
      .selectFrom('webhook_attempts')
      .select([...ATTEMPT_COLUMNS, 'exchange'])
      .where('webhook_id', '=', webhookId)
      .where('message_id', '=', messageId)
      .orderBy('id', 'desc')
      .execute();
    return rows.map((row) => ({ ...attemptOf(row), exchange: row.exchange }));
  }
}

/** The columns of an attempt without its exchange, which is thousands of bytes. */
const ATTEMPT_COLUMNS = [
  'message_id',
  'started_at_ms',
  'duration_ms',
  'status',
  'text',
  'is_delivered',
  'supplier_id',
  'after_sequence',
  'to_sequence',
] as const;

type AttemptRow = Pick<Selectable<SqlTables['webhook_attempts']>, (typeof ATTEMPT_COLUMNS)[number]>;

function attemptOf(row: AttemptRow): WebhookAttempt {
  const { supplier_id: supplierId, after_sequence: after, to_sequence: to } = row;
  return {
    messageId: row.message_id,
    range:
      supplierId === null || after === null || to === null
        ? null
        : { supplierId, afterSequence: after, toSequence: to },
    startedAtMs: row.started_at_ms,
    durationMs: row.duration_ms,
    status: row.status,
    text: row.text,
    isDelivered: row.is_delivered === 1,
  };
}

function rowOf({ url, description, supplierUuids, secrets, creator }: WebhookDraft) {
  return {
    user_id: creator?.userId ?? null,
    token_id: creator?.tokenId ?? null,
    url,
    description,
    supplier_uuids: supplierUuids === null ? null : supplierUuids.join(','),
    ...secretsRow(secrets),
  };
}

function secretsRow({ current, previous }: Webhook['secrets']) {
  return {
    secret: current,
    previous_secret: previous?.secret ?? null,
    previous_secret_until_ms: previous?.untilMs ?? null,
  };
}

function changedRow(changes: WebhookChanges) {
  const { url, description, supplierUuids, secrets, pausedReason, creator } = changes;
  return {
    // Another URL has not been verified. The conditions are those of the row before the update.
    ...(url !== undefined && {
      url,
      verified_at_ms: sql<number | null>`case when url = ${url} then verified_at_ms end`,
    }),
    ...(creator !== undefined && { user_id: creator.userId, token_id: creator.tokenId }),
    ...(description !== undefined && { description }),
    ...(supplierUuids !== undefined && { supplier_uuids: supplierUuids?.join(',') ?? null }),
    ...(secrets !== undefined && secretsRow(secrets)),
    // The first reason stays until the webhook is resumed.
    ...(pausedReason !== undefined && {
      paused_reason:
        pausedReason === null
          ? null
          : sql<string>`coalesce(paused_reason, cast(${pausedReason} as text))`,
    }),
  };
}

function webhookOf(row: WebhookRow): Webhook {
  const { previous_secret: secret, previous_secret_until_ms: untilMs } = row;
  return {
    id: row.id,
    uuid: row.uuid,
    organizationId: row.organization_id,
    url: row.url,
    description: row.description,
    supplierUuids: row.supplier_uuids === null ? null : row.supplier_uuids.split(','),
    secrets: {
      current: row.secret,
      previous: secret === null || untilMs === null ? null : { secret, untilMs },
    },
    pausedReason: row.paused_reason ?? accessLost(row, Date.now()),
    verifiedAtMs: row.verified_at_ms,
    createdAtMs: row.created_at_ms,
  };
}

/** Why the credential that the webhook depends on is no longer valid; null if it is. */
function accessLost(row: WebhookRow, nowMs: number): string | null {
  const expiresAtMs = row.token_expires_at_ms;
  if (row.organization_disabled_at_ms !== null) return 'The organization is disabled.';
  if (row.token_revoked_at_ms !== null) return creatorLost('was revoked');
  if (row.user_disabled_at_ms !== null) return creatorLost('belongs to a disabled user');
  if (expiresAtMs !== null && expiresAtMs <= nowMs) return creatorLost('has expired');
  return null;
}

function creatorLost(how: string): string {
  return `The token that registered or last resumed this webhook ${how}. Resume it with another token.`;
}
