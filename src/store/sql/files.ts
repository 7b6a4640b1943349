import type { Compilable, RawBuilder } from 'kysely';
import { sql } from './kysely.ts';
import type { SqlDatabase } from './database.ts';
import { fileQuotaProblem, type FileQuota, type FileUsage } from '../../domain/file-quota.ts';
import { encodeFailures } from './batch-row.ts';
import { decodeFailures } from './stored-outcome.ts';
import { encodeAsked, FILE_COLUMNS, fileRecordOf } from './file-record.ts';
import { SqlFileRules } from './file-rules.ts';
import {
  OPEN_STATES,
  uuidOfSame,
  type EarlierUpload,
  type FileOptions,
  type FileLease,
  type FileDraft,
  type FileEnd,
  type FileFindings,
  type FileKey,
  type FileChunk,
  type FilePlace,
  type FileProgress,
  type FileRecord,
  type StoredFile,
} from '../../domain/files.ts';
import type {
  FileListQuery,
  FilePage,
  FileStore,
  FileSweepTimes,
  OrganizationCount,
} from '../store.ts';

/** Literals, because SQLite uses a partial index only if the statement repeats its condition. */
const isOpen = sql<boolean>`state IN ('waiting', 'reading')`;
const isHeld = sql<boolean>`state = 'held'`;
const isKept = sql<boolean>`is_kept = 1`;
const storedCount = sql<number>`count(*)`;
const storedBytes = sql<number>`cast(coalesce(sum(bytes + report_bytes), 0) AS bigint)`;

/** File jobs, beside the rules of reading files that it extends. */
export class SqlFiles extends SqlFileRules implements FileStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    super(database);
    this.#database = database;
  }

  async add(draft: FileDraft, quota: FileQuota): Promise<string> {
    const { supplierId, uuid, idempotency } = draft;
    if (idempotency !== null) await this.#expireKey(supplierId, idempotency);
    // The first statement locks the supplier's row, so that the second one counts every file added before.
    const [, addedCount] = await this.#database.transact([
      this.#advanceNumber(supplierId),
      this.#insert(draft, quota),
    ]);
    if (addedCount === 1) return uuid;
    if (idempotency !== null) {
      const earlier = await this.withKey(supplierId, idempotency);
      if (earlier !== undefined) return uuidOfSame(earlier, idempotency.fingerprint);
    }
    if ((await this.find(supplierId, uuid)) !== undefined) return uuid;
    const problem = fileQuotaProblem(await this.usage(supplierId), quota, draft.bytes);
    // Room was made in the meantime.
    if (problem === undefined) return this.add(draft, quota);
    throw problem;
  }

  /** Numbers may have gaps. */
  #advanceNumber(supplierId: number): Compilable {
    return this.#database.db
      .insertInto('feed_suppliers')
      .values({ supplier_id: supplierId, last_number: 1 })
      .onConflict((conflict) =>
        conflict
          .column('supplier_id')
          .doUpdateSet((set) => ({ last_number: set('feed_suppliers.last_number', '+', 1) })),
      );
  }

  /** Inserts the file with the supplier's last number, unless that exceeds the quota. */
  #insert(draft: FileDraft, { bytesMax, filesMax, queuedMax }: FileQuota): Compilable {
    const { supplierId, idempotency } = draft;
    return this.#database.db
      .insertInto('feeds')
      .columns([
        'supplier_id',
        'number',
        'uuid',
        'user_id',
        'filename',
        'bytes',
        'asked',
        'reason',
        'reference',
        'traceparent',
        'state',
        'uploaded_at_ms',
        'idempotency_key',
        'fingerprint',
      ])
      .expression((from) =>
        from
          .selectFrom('feed_suppliers')
          .select((select) => [
            'supplier_id',
            'last_number',
            select.val(draft.uuid).as('uuid'),
            select.val(draft.userId).as('user_id'),
            select.val(draft.filename).as('filename'),
            select.val(draft.bytes).as('bytes'),
            select.val(encodeAsked(draft.asked)).as('asked'),
            select.val(draft.reason).as('reason'),
            select.val(draft.reference).as('reference'),
            select.val(draft.traceparent ?? null).as('traceparent'),
            select.val('waiting').as('state'),
            select.val(draft.uploadedAtMs).as('uploaded_at_ms'),
            select.val(idempotency?.key ?? null).as('idempotency_key'),
            select.val(idempotency?.fingerprint ?? null).as('fingerprint'),
          ])
          .where('supplier_id', '=', supplierId)
          .where(this.#queued(supplierId), '<', queuedMax)
          .where(this.#stored(supplierId, storedCount), '<', filesMax)
          .where(this.#stored(supplierId, storedBytes), '<=', bytesMax - draft.bytes),
      )
      .onConflict((conflict) => conflict.doNothing());
  }

  #queued(supplierId: number) {
    return this.#database.db
      .selectFrom('feeds')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('supplier_id', '=', supplierId)
      .where(isOpen);
  }

  #stored(supplierId: number, measure: RawBuilder<number>) {
    return this.#database.db
      .selectFrom('feeds')
      .select(measure.as('measure'))
      .where('supplier_id', '=', supplierId)
      .where(isKept);
  }

  async usage(supplierId: number): Promise<FileUsage> {
    const [queued, stored, bytes] = await Promise.all([
      this.#queued(supplierId).executeTakeFirstOrThrow(),
      this.#stored(supplierId, storedCount).executeTakeFirstOrThrow(),
      this.#stored(supplierId, storedBytes).executeTakeFirstOrThrow(),
    ]);
    return { queuedFiles: queued.count, storedFiles: stored.measure, storedBytes: bytes.measure };
  }

  async totals(): Promise<{ readonly openFiles: number; readonly storedBytes: number }> {
    const { db } = this.#database;
    const [open, stored] = await this.#database.readReachable((isReachable) =>
      Promise.all([
        db
          .selectFrom('feeds')
          .select((select) => select.fn.countAll<number>().as('count'))
          .where(isOpen)
          .where(isReachable('supplier_id'))
          .executeTakeFirstOrThrow(),
        db
          .selectFrom('feeds')
          .select(storedBytes.as('measure'))
          .where(isKept)
          .where(isReachable('supplier_id'))
          .executeTakeFirstOrThrow(),
      ]),
    );
    return { openFiles: open.count, storedBytes: stored.measure };
  }

  async heldCounts(): Promise<readonly OrganizationCount[]> {
    return this.#database.readReachable((isReachable) =>
      this.#database.db
        .selectFrom('feeds')
        .select((select) => [
          'supplier_id as organizationId',
          select.fn.countAll<number>().as('count'),
        ])
        .where(isHeld)
        .where(isReachable('supplier_id'))
        .groupBy('supplier_id')
        .execute(),
    );
  }

  async #expireKey(supplierId: number, { key, usedSinceMs }: FileKey): Promise<void> {
    await this.#database.db
      .updateTable('feeds')
      .set({ idempotency_key: null, fingerprint: null })
      .where('supplier_id', '=', supplierId)
      .where('idempotency_key', '=', key)
      .where('uploaded_at_ms', '<', usedSinceMs)
      .execute();
  }

  async withKey(
    supplierId: number,
    { key, usedSinceMs }: Pick<FileKey, 'key' | 'usedSinceMs'>,
  ): Promise<EarlierUpload | undefined> {
    const first = await this.#database.db
      .selectFrom('feeds')
      .select(['uuid', 'fingerprint'])
      .where('supplier_id', '=', supplierId)
      .where('idempotency_key', '=', key)
      .where('uploaded_at_ms', '>=', usedSinceMs)
      .executeTakeFirst();
    return first && { uuid: first.uuid, fingerprint: first.fingerprint ?? new Uint8Array() };
  }

  async list(supplierId: number, { start, limit, state }: FileListQuery): Promise<FilePage> {
    const isListed =
      state === undefined
        ? sql<boolean>`supplier_id = ${supplierId}`
        : sql<boolean>`supplier_id = ${supplierId} AND state = ${sql.lit(state)}`;
    const { count } = await this.#database.db
      .selectFrom('feeds')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where(isListed)
      .executeTakeFirstOrThrow();
    const rows = await this.#rows()
      .where(isListed)
      .orderBy('feeds.number', 'desc')
      .limit(limit)
      .offset(start)
      .execute();
    return {
      totalCount: count,
      files: rows.map(fileRecordOf),
      hasMore: start + rows.length < count,
    };
  }

  async find(supplierId: number, uuid: string): Promise<FileRecord | undefined> {
    const row = await this.#rows()
      .where('feeds.supplier_id', '=', supplierId)
      .where('feeds.uuid', '=', uuid)
      .executeTakeFirst();
    return row && fileRecordOf(row);
  }

  #rows() {
    return this.#database.db
      .selectFrom('feeds')
      .leftJoin('users', 'users.id', 'feeds.user_id')
      .select(FILE_COLUMNS);
  }

  async pieces(
    { supplierId, number }: FilePlace,
    from: number,
    limit: number,
  ): Promise<readonly FileChunk[]> {
    const rows = await this.#database.db
      .selectFrom('feed_pieces')
      .select(['piece', 'row_count', 'batch_uuid', 'failures'])
      .where('supplier_id', '=', supplierId)
      .where('feed_number', '=', number)
      .where('piece', '>=', from)
      .orderBy('piece')
      .limit(limit)
      .execute();
    const chunks: FileChunk[] = [];
    for (const { piece, row_count: rowCount, batch_uuid: batchUuid, failures } of rows) {
      const decoded = failures === null ? [] : await decodeFailures(failures);
      chunks.push({ piece, rowCount, batchUuid, failures: decoded });
    }
    return chunks;
  }

  async next(): Promise<readonly FileRecord[]> {
    const rows = await this.#database.readReachable((isReachable) =>
      this.#rows()
        .innerJoin(
          (from) =>
            from
              .selectFrom('feeds')
              .select((select) => ['supplier_id', select.fn.min('number').as('number')])
              .where(isOpen)
              .where(isReachable('supplier_id'))
              .groupBy('supplier_id')
              .as('first'),
          (join) =>
            join
              .onRef('first.supplier_id', '=', 'feeds.supplier_id')
              .onRef('first.number', '=', 'feeds.number'),
        )
        .where('feeds.supplier_id', 'not in', this.#disabled())
        .where(isReachable('feeds.supplier_id'))
        .orderBy('feeds.uploaded_at_ms')
        .execute(),
    );
    return rows.map(fileRecordOf);
  }

  #disabled() {
    return this.#database.db
      .selectFrom('organizations')
      .select('organizations.id')
      .where('suspended_at_ms', 'is not', null);
  }

  async claim(place: FilePlace, claim: FileLease): Promise<FileRecord | undefined> {
    const { nodeId, nowMs, voidBeforeMs, untilMs } = claim;
    const claimed = await this.#one(place)
      .where('state', 'in', OPEN_STATES)
      .where((where) =>
        where.or([where('claimed_by', '=', nodeId), where('claimed_until_ms', '<', voidBeforeMs)]),
      )
      .set((set) => ({
        state: 'reading',
        claimed_by: nodeId,
        claimed_until_ms: untilMs,
        started_at_ms: set.fn.coalesce('started_at_ms', set.val(nowMs)),
      }))
      .returning('uuid')
      .executeTakeFirst();
    return claimed && this.find(place.supplierId, claimed.uuid);
  }

  async keep(place: FilePlace, claim: FileLease): Promise<'held' | 'lost' | 'cancel_asked'> {
    const kept = await this.#mine(place, claim.nodeId)
      .where('supplier_id', 'not in', this.#disabled())
      .set({ claimed_until_ms: claim.untilMs })
      .returning('is_cancel_asked')
      .executeTakeFirst();
    if (kept === undefined) return 'lost';
    return kept.is_cancel_asked === 1 ? 'cancel_asked' : 'held';
  }

  async describe(place: FilePlace, nodeId: string, found: FileFindings): Promise<void> {
    await this.#mine(place, nodeId)
      .set({ found: JSON.stringify(found) })
      .execute();
  }

  async record(
    place: FilePlace,
    nodeId: string,
    piece: FileChunk | null,
    progress: FileProgress & {
      readonly rowsExpected: number | null;
      readonly reportBytes?: number;
    },
  ): Promise<void> {
    const moved = this.#mine(place, nodeId).set({
      row_count: progress.rowCount,
      rows_expected: progress.rowsExpected,
      status_counts: JSON.stringify(progress.statusCounts),
      ...(progress.reportBytes !== undefined && { report_bytes: progress.reportBytes }),
    });
    await this.#database.transact(
      piece === null ? [moved] : [this.#insertPiece(place, piece), moved],
    );
  }

  #insertPiece({ supplierId, number }: FilePlace, piece: FileChunk): Compilable {
    return this.#database.db
      .insertInto('feed_pieces')
      .values({
        supplier_id: supplierId,
        feed_number: number,
        piece: piece.piece,
        row_count: piece.rowCount,
        batch_uuid: piece.batchUuid,
        failures: piece.failures.length === 0 ? null : encodeFailures(piece.failures),
      })
      .onConflict((conflict) => conflict.doNothing());
  }

  async end(place: FilePlace, nodeId: string, end: FileEnd): Promise<void> {
    await this.#mine(place, nodeId)
      .set({
        state: end.state,
        problem_code: end.problem?.code ?? null,
        problem_detail: end.problem?.detail ?? null,
        finished_at_ms: end.finishedAtMs,
        claimed_by: null,
        claimed_until_ms: 0,
      })
      .execute();
  }

  async cancel(place: FilePlace, nowMs: number): Promise<void> {
    await this.#one(place)
      .where('state', 'in', ['waiting', 'held'])
      .set({ state: 'canceled', finished_at_ms: nowMs })
      .execute();
    await this.#one(place).where('state', '=', 'reading').set({ is_cancel_asked: 1 }).execute();
  }

  async confirm(place: FilePlace, answer: FileOptions | 'exceed'): Promise<boolean> {
    const { numUpdatedRows } = await this.#one(place)
      .where('state', '=', 'held')
      .set({
        state: 'waiting',
        ...(answer === 'exceed' ? { is_confirmed: 1 } : { asked: encodeAsked(answer) }),
        problem_code: null,
        problem_detail: null,
        finished_at_ms: null,
      })
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async expired(
    { startedBeforeMs, refusedBeforeMs }: FileSweepTimes,
    limit: number,
  ): Promise<readonly FileRecord[]> {
    const rows = await this.#rows()
      .where(sql<boolean>`feeds.is_kept = 1`)
      .where('feeds.uploaded_at_ms', '<', Math.max(startedBeforeMs, refusedBeforeMs))
      .where('feeds.state', 'not in', OPEN_STATES)
      .where((where) =>
        where.or([
          where.and([
            where('feeds.uploaded_at_ms', '<', startedBeforeMs),
            where.or([
              where('feeds.started_at_ms', 'is', null),
              where('feeds.started_at_ms', '<', startedBeforeMs),
            ]),
          ]),
          where.and([
            where('feeds.state', '=', 'refused'),
            where('feeds.finished_at_ms', '<', refusedBeforeMs),
          ]),
        ]),
      )
      .limit(limit)
      .execute();
    return rows.map(fileRecordOf);
  }

  async drop(place: FilePlace): Promise<void> {
    await this.#database.transact([
      this.#database.db
        .updateTable('feed_pieces')
        .set({ failures: null })
        .where('supplier_id', '=', place.supplierId)
        .where('feed_number', '=', place.number)
        .where('failures', 'is not', null),
      this.#one(place).set({ is_kept: 0 }),
    ]);
  }

  async kept(uuids: readonly string[]): Promise<readonly StoredFile[]> {
    if (uuids.length === 0) return [];
    const rows = await this.#database.db
      .selectFrom('feeds')
      .select(['supplier_id', 'uuid'])
      .where('uuid', 'in', uuids)
      .where('is_kept', '=', 1)
      .execute();
    return rows.map(({ supplier_id: supplierId, uuid }) => ({ supplierId, uuid }));
  }

  #one({ supplierId, number }: FilePlace) {
    return this.#database.db
      .updateTable('feeds')
      .where('supplier_id', '=', supplierId)
      .where('number', '=', number);
  }

  /** One that this node works on. */
  #mine(place: FilePlace, nodeId: string) {
    return this.#one(place).where('state', '=', 'reading').where('claimed_by', '=', nodeId);
  }
}
