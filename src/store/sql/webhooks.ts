import type { Selectable } from 'kysely';
import { v4 as uuidv4 } from 'uuid';
import type { SqlDatabase } from './database.ts';
import type { SqlTables } from './tables.ts';
import {
  ATTEMPTS_KEPT,
  type Webhook,
  type WebhookAttempt,
  type WebhookChanges,
  type WebhookDraft,
  type WebhookPosition,
} from '../../domain/webhooks.ts';
import type { WebhookStore } from '../store.ts';

type WebhookRow = Selectable<SqlTables['webhooks']>;

export class SqlWebhooks implements WebhookStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async create(draft: WebhookDraft): Promise<Webhook> {
    const row = { ...rowOf(draft), uuid: uuidv4(), paused_reason: null, created_at_ms: Date.now() };
    const { id } = await this.#database.db
      .insertInto('webhooks')
      .values({ ...row, organization_id: draft.organizationId })
      .returning('id')
      .executeTakeFirstOrThrow();
    return webhookOf({ ...row, id, organization_id: draft.organizationId });
  }

  async list(organizationId: number): Promise<readonly Webhook[]> {
    const rows = await this.#database.db
      .selectFrom('webhooks')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .orderBy('id')
      .execute();
    return rows.map(webhookOf);
  }

  async find(organizationId: number, uuid: string): Promise<Webhook | undefined> {
    const row = await this.#database.db
      .selectFrom('webhooks')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .where('uuid', '=', uuid)
      .executeTakeFirst();
    return row && webhookOf(row);
  }

  async update(id: number, changes: WebhookChanges): Promise<void> {
    await this.#database.db
      .updateTable('webhooks')
      .set(changedRow(changes))
      .where('id', '=', id)
      .execute();
  }

  async remove(id: number): Promise<void> {
    await this.#database.db.deleteFrom('webhook_attempts').where('webhook_id', '=', id).execute();
    await this.#database.db.deleteFrom('webhook_positions').where('webhook_id', '=', id).execute();
    await this.#database.db.deleteFrom('webhooks').where('id', '=', id).execute();
  }

  async active(): Promise<readonly Webhook[]> {
    const rows = await this.#database.db
      .selectFrom('webhooks')
      .selectAll()
      .where('paused_reason', 'is', null)
      .orderBy('id')
      .execute();
    return rows.map(webhookOf);
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
    await this.#database.db
      .insertInto('webhook_positions')
      .values({
        webhook_id: webhookId,
        supplier_id: supplierId,
        delivered_sequence: sequence,
        message: null,
        version: 1,
      })
      .onConflict((conflict) => conflict.columns(['webhook_id', 'supplier_id']).doNothing())
      .execute();
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

  async logAttempt(webhookId: number, attempt: WebhookAttempt): Promise<void> {
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
      })
      .execute();
    const kept = this.#database.db
      .selectFrom('webhook_attempts')
      .select('id')
      .where('webhook_id', '=', webhookId)
      .orderBy('id', 'desc')
      .limit(ATTEMPTS_KEPT);
    await this.#database.db
      .deleteFrom('webhook_attempts')
      .where('webhook_id', '=', webhookId)
      .where('id', 'not in', kept)
      .execute();
  }

  async attempts(webhookId: number): Promise<readonly WebhookAttempt[]> {
    const rows = await this.#database.db
      .selectFrom('webhook_attempts')
      .selectAll()
      .where('webhook_id', '=', webhookId)
      .orderBy('id', 'desc')
      .limit(ATTEMPTS_KEPT)
      .execute();
    return rows.map((row) => ({
      messageId: row.message_id,
      startedAtMs: row.started_at_ms,
      durationMs: row.duration_ms,
      status: row.status,
      text: row.text,
      isDelivered: row.is_delivered === 1,
    }));
  }
}

function rowOf({ url, description, supplierUuids, secrets }: WebhookDraft) {
  return {
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

function changedRow({ url, description, supplierUuids, secrets, pausedReason }: WebhookChanges) {
  return {
    ...(url !== undefined && { url }),
    ...(description !== undefined && { description }),
    ...(supplierUuids !== undefined && { supplier_uuids: supplierUuids?.join(',') ?? null }),
    ...(secrets !== undefined && secretsRow(secrets)),
    ...(pausedReason !== undefined && { paused_reason: pausedReason }),
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
    pausedReason: row.paused_reason,
    createdAtMs: row.created_at_ms,
  };
}
