import type { RawBuilder, Selectable } from 'kysely';
import { v4 as uuidv4 } from 'uuid';
import type { AuditNote } from '../../domain/audit.ts';
import {
  CONFIRMATION_MS,
  CONFIRMATION_TRIES,
  NOTIFICATION_KINDS,
  type ConfirmationEmail,
  type Recipient,
  type RecipientChoices,
  type RecipientDraft,
  type RecipientProgress,
} from '../../domain/notifications.ts';
import type {
  ConfirmationLimits,
  FileTrouble,
  NotificationStore,
  SafetyLimitTrip,
} from '../notification-store.ts';
import { noted } from './audit.ts';
import type { SqlDatabase } from './database.ts';
import { sql } from './kysely.ts';
import type { SqlTables } from './tables.ts';

/** The only row of `notification_turns`. */
const TURN_ID = 1;
const DAY_MS = 86_400_000;

export class SqlNotifications implements NotificationStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async list(organizationId: number): Promise<readonly Recipient[]> {
    const rows = await this.#database.db
      .selectFrom('notification_recipients')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .orderBy('id')
      .execute();
    return rows.map(recipientOf);
  }

  async find(organizationId: number, uuid: string): Promise<Recipient | undefined> {
    const row = await this.#database.db
      .selectFrom('notification_recipients')
      .selectAll()
      .where('organization_id', '=', organizationId)
      .where('uuid', '=', uuid)
      .executeTakeFirst();
    return row && recipientOf(row);
  }

  async create(
    draft: RecipientDraft,
    limit: number,
    noteOn: (uuid: string) => AuditNote,
  ): Promise<Recipient | undefined> {
    const { db } = this.#database;
    const { organizationId, channel, address, confirmedAtMs } = draft;
    const { count } = await db
      .selectFrom('notification_recipients')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('organization_id', '=', organizationId)
      .executeTakeFirstOrThrow();
    if (count >= limit) return undefined;
    const uuid = uuidv4();
    const insert = db.insertInto('notification_recipients').values({
      ...choicesRow(draft),
      uuid,
      organization_id: organizationId,
      channel,
      address,
      created_at_ms: Date.now(),
      confirmed_at_ms: confirmedAtMs,
      digest_window: 0,
    });
    await noted(this.#database, noteOn(uuid), [insert]);
    return this.find(organizationId, uuid);
  }

  async change(id: number, choices: RecipientChoices, note: AuditNote): Promise<void> {
    const change = this.#database.db
      .updateTable('notification_recipients')
      .set({ ...choicesRow(choices), digest_window: 0 })
      .where('id', '=', id);
    await noted(this.#database, note, [change]);
  }

  async remove(id: number, note: AuditNote): Promise<void> {
    const remove = this.#database.db.deleteFrom('notification_recipients').where('id', '=', id);
    await noted(this.#database, note, [remove]);
  }

  async countConfirmation(
    { organizationId, mailbox, sentAtMs }: ConfirmationEmail,
    { organizationMax, mailboxMax }: ConfirmationLimits,
  ): Promise<boolean> {
    const { db, hasRowLocks } = this.#database;
    const uuid = uuidv4();
    // Without row locks there is one writer; with them, the emails of one organization take turns.
    const lock = db
      .selectFrom('organizations')
      .select('id')
      .where('id', '=', organizationId)
      .forUpdate();
    const expired = db
      .deleteFrom('confirmation_emails')
      .where('sent_at_ms', '<', sentAtMs - DAY_MS);
    const row = { uuid, organization_id: organizationId, mailbox, sent_at_ms: sentAtMs };
    const insert = db.insertInto('confirmation_emails').values(row);
    const sent = db
      .selectFrom('confirmation_emails as others')
      .select(db.fn.countAll<number>().as('count'));
    const removeExcess = db
      .deleteFrom('confirmation_emails')
      .where('uuid', '=', uuid)
      .where((email) =>
        email.or([
          email(sent.where('others.mailbox', '=', mailbox), '>', mailboxMax),
          email(sent.where('others.organization_id', '=', organizationId), '>', organizationMax),
        ]),
      );
    const statements = [expired, insert, removeExcess];
    await this.#database.transact(hasRowLocks ? [lock, ...statements] : statements);
    const counted = await db
      .selectFrom('confirmation_emails')
      .select('id')
      .where('uuid', '=', uuid)
      .executeTakeFirst();
    return counted !== undefined;
  }

  async setCode(id: number, codeHash: string, nowMs: number): Promise<void> {
    await this.#database.db
      .updateTable('notification_recipients')
      .set({
        code_hash: codeHash,
        code_expires_at_ms: nowMs + CONFIRMATION_MS,
        code_tries_left: CONFIRMATION_TRIES,
      })
      .where('id', '=', id)
      .execute();
  }

  async confirm(id: number, codeHash: string, nowMs: number, note: AuditNote): Promise<boolean> {
    const { db } = this.#database;
    // Each try is counted before its code is compared, so that no more are compared at the same time.
    const { numUpdatedRows } = await db
      .updateTable('notification_recipients')
      .set({ code_tries_left: sql`code_tries_left - 1` })
      .where('id', '=', id)
      .where('code_tries_left', '>', 0)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return false;
    const confirm = db
      .updateTable('notification_recipients')
      .set({ confirmed_at_ms: nowMs, code_hash: null, failure: null })
      .where('id', '=', id)
      .where('code_hash', '=', codeHash)
      .where('code_expires_at_ms', '>', nowMs);
    return noted(this.#database, note, [confirm]);
  }

  async confirmed(): Promise<readonly Recipient[]> {
    const rows = await this.#database.db
      .selectFrom('notification_recipients')
      .innerJoin('organizations', 'organizations.id', 'notification_recipients.organization_id')
      .selectAll('notification_recipients')
      .where('confirmed_at_ms', 'is not', null)
      .where('organizations.suspended_at_ms', 'is', null)
      .orderBy('notification_recipients.id')
      .execute();
    return rows.map(recipientOf);
  }

  async recordProgress(id: number, progress: RecipientProgress): Promise<void> {
    const { told, digestWindow, sentAtMs, failures, failedAtMs, failure } = progress;
    await this.#database.db
      .updateTable('notification_recipients')
      .set({
        told,
        digest_window: digestWindow,
        sent_at_ms: sentAtMs,
        failures,
        failed_at_ms: failedAtMs,
        failure,
      })
      .where('id', '=', id)
      .execute();
  }

  async takeTurn(nodeId: string, nowMs: number, untilMs: number): Promise<boolean> {
    const turn = { node_id: nodeId, until_ms: untilMs };
    const { numInsertedOrUpdatedRows = 0n } = await this.#database.db
      .insertInto('notification_turns')
      .values({ id: TURN_ID, ...turn })
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet(turn)
          .where((last) =>
            last.or([
              last('notification_turns.node_id', '=', nodeId),
              last('notification_turns.until_ms', '<=', nowMs),
            ]),
          ),
      )
      .executeTakeFirst();
    return numInsertedOrUpdatedRows > 0n;
  }

  async recordTrip({ supplierId, trippedAtMs, detail }: SafetyLimitTrip): Promise<void> {
    const latest = { tripped_at_ms: trippedAtMs, detail };
    await this.#database.db
      .insertInto('safety_limit_trips')
      .values({ supplier_id: supplierId, ...latest })
      .onConflict((conflict) => conflict.column('supplier_id').doUpdateSet(latest))
      .execute();
  }

  async trips(sinceMs: number): Promise<readonly SafetyLimitTrip[]> {
    return this.#database.db
      .selectFrom('safety_limit_trips')
      .select(['supplier_id as supplierId', 'tripped_at_ms as trippedAtMs', 'detail'])
      .where('tripped_at_ms', '>=', sinceMs)
      .execute();
  }

  async fileTroubles(failedSinceMs: number): Promise<readonly FileTrouble[]> {
    const [held, failed] = await Promise.all([
      this.#latestFiles(
        'number',
        sql`state = 'held'`,
        sql`CASE WHEN problem_code = 'breaker_tripped' THEN 'tripped' ELSE 'held' END`,
      ),
      this.#latestFiles(
        'finished_at_ms',
        sql`state IN ('refused', 'failed') AND finished_at_ms >= ${failedSinceMs}`,
        sql`'failed'`,
      ),
    ]);
    return [...held, ...failed];
  }

  /** The latest file of each supplier and kind, and how many there are. */
  async #latestFiles(
    mark: 'number' | 'finished_at_ms',
    matches: RawBuilder<unknown>,
    kind: RawBuilder<unknown>,
  ): Promise<readonly FileTrouble[]> {
    const { rows } = await sql<FileTrouble>`
      SELECT supplier_id AS "supplierId", kind, mark, filename, problem_detail AS detail, count
      FROM (SELECT *,
          count(*) OVER (PARTITION BY supplier_id, kind) AS count,
          row_number() OVER (PARTITION BY supplier_id, kind ORDER BY mark DESC, number DESC) AS place
        FROM (SELECT supplier_id, number, filename, problem_detail, ${sql.ref(mark)} AS mark, ${kind} AS kind
          FROM feeds WHERE ${matches}) AS matching) AS files
      WHERE place = 1`.execute(this.#database.db);
    return rows;
  }
}

type RecipientRow = Selectable<SqlTables['notification_recipients']>;

function recipientOf(row: RecipientRow): Recipient {
  const { quiet_from: fromMinute, quiet_until: untilMinute } = row;
  const chosen = new Set(row.kinds.split(' '));
  return {
    id: row.id,
    uuid: row.uuid,
    organizationId: row.organization_id,
    channel: row.channel,
    address: row.address,
    kinds: NOTIFICATION_KINDS.filter((kind) => chosen.has(kind)),
    digest: row.digest,
    dailyAtMinute: row.daily_at,
    quiet: fromMinute === null || untilMinute === null ? null : { fromMinute, untilMinute },
    timeZone: row.time_zone,
    repeatMinutes: row.repeat_minutes,
    tellsResolved: row.tells_resolved === 1,
    createdAtMs: row.created_at_ms,
    confirmedAtMs: row.confirmed_at_ms,
    progress: {
      told: row.told,
      digestWindow: row.digest_window,
      sentAtMs: row.sent_at_ms,
      failures: row.failures,
      failedAtMs: row.failed_at_ms,
      failure: row.failure,
    },
  };
}

function choicesRow(choices: RecipientChoices) {
  const { kinds, digest, dailyAtMinute, quiet, timeZone, repeatMinutes, tellsResolved } = choices;
  return {
    kinds: kinds.join(' '),
    digest,
    daily_at: dailyAtMinute,
    quiet_from: quiet?.fromMinute ?? null,
    quiet_until: quiet?.untilMinute ?? null,
    time_zone: timeZone,
    repeat_minutes: repeatMinutes,
    tells_resolved: Number(tellsResolved),
  };
}
