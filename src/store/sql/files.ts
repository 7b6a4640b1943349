import type { Compilable } from 'kysely';
import type { SqlDatabase } from './database.ts';
import { OnhandError } from '../../domain/errors.ts';
import { encodeFailures } from './outcomes.ts';
import { decodeFailures } from './stored-outcome.ts';
import { FILE_COLUMNS, mappingsOf, fileRecordOf } from './file-record.ts';
import {
  OPEN_STATES,
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
} from '../../domain/files.ts';
import type { FilePage, FileStore } from '../store.ts';

export class SqlFiles implements FileStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async add(draft: FileDraft): Promise<string> {
    const { supplierId, idempotency } = draft;
    if (idempotency !== null) await this.#expireKey(supplierId, idempotency);
    const number = await this.#nextNumber(supplierId);
    const added = await this.#database.db
      .insertInto('feeds')
      .values({
        supplier_id: supplierId,
        number,
        uuid: draft.uuid,
        user_id: draft.userId,
        filename: draft.filename,
        bytes: draft.bytes,
        asked: JSON.stringify(draft.asked),
        reason: draft.reason,
        reference: draft.reference,
        state: 'waiting',
        uploaded_at_ms: draft.uploadedAtMs,
        idempotency_key: idempotency?.key ?? null,
        fingerprint: idempotency?.fingerprint ?? null,
        found: null,
        rows_expected: null,
        problem_code: null,
        problem_detail: null,
        started_at_ms: null,
        finished_at_ms: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('uuid')
      .execute();
    if (added.length > 0 || idempotency === null) return draft.uuid;
    return this.#sameUpload(supplierId, idempotency);
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

  /** Numbers may have gaps. */
  async #nextNumber(supplierId: number): Promise<number> {
    const { last_number: number } = await this.#database.db
      .insertInto('feed_suppliers')
      .values({ supplier_id: supplierId, last_number: 1 })
      .onConflict((conflict) =>
        conflict
          .column('supplier_id')
          .doUpdateSet((set) => ({ last_number: set('feed_suppliers.last_number', '+', 1) })),
      )
      .returning('last_number')
      .executeTakeFirstOrThrow();
    return number;
  }

  async #sameUpload(supplierId: number, { key, fingerprint }: FileKey): Promise<string> {
    const first = await this.#database.db
      .selectFrom('feeds')
      .select(['uuid', 'fingerprint'])
      .where('supplier_id', '=', supplierId)
      .where('idempotency_key', '=', key)
      .executeTakeFirst();
    const usedFor = first?.fingerprint ?? Buffer.alloc(0);
    if (first !== undefined && Buffer.compare(usedFor, fingerprint) === 0) return first.uuid;
    throw new OnhandError(
      'idempotency_key_reused',
      'This Idempotency-Key came before with another upload; a new upload needs a new key.',
    );
  }

  async list(
    supplierId: number,
    { start, limit }: { readonly start: number; readonly limit: number },
  ): Promise<FilePage> {
    const { count } = await this.#database.db
      .selectFrom('feeds')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('supplier_id', '=', supplierId)
      .executeTakeFirstOrThrow();
    const rows = await this.#rows()
      .where('feeds.supplier_id', '=', supplierId)
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
    return rows.map((row) => ({
      piece: row.piece,
      rowCount: row.row_count,
      batchUuid: row.batch_uuid,
      failures: row.failures === null ? [] : decodeFailures(row.failures),
    }));
  }

  async next(): Promise<readonly FileRecord[]> {
    const rows = await this.#rows()
      .where('feeds.state', 'in', OPEN_STATES)
      .where((where) =>
        where(
          'feeds.number',
          '=',
          where
            .selectFrom('feeds as others')
            .select((select) => select.fn.min('others.number').as('first'))
            .whereRef('others.supplier_id', '=', 'feeds.supplier_id')
            .where('others.state', 'in', OPEN_STATES),
        ),
      )
      .orderBy('feeds.uploaded_at_ms')
      .execute();
    return rows.map(fileRecordOf);
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
    progress: FileProgress & { readonly rowsExpected: number | null },
  ): Promise<void> {
    const moved = this.#mine(place, nodeId).set({
      row_count: progress.rowCount,
      rows_expected: progress.rowsExpected,
      status_counts: JSON.stringify(progress.statusCounts),
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

  async confirm(place: FilePlace): Promise<boolean> {
    const { numUpdatedRows } = await this.#one(place)
      .where('state', '=', 'held')
      .set({
        state: 'waiting',
        is_confirmed: 1,
        problem_code: null,
        problem_detail: null,
        finished_at_ms: null,
      })
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async mappingOf(supplierId: number): Promise<FileOptions['mappings']> {
    const row = await this.#database.db
      .selectFrom('feed_suppliers')
      .select('column_names')
      .where('supplier_id', '=', supplierId)
      .executeTakeFirst();
    return row === undefined ? [] : mappingsOf(row.column_names);
  }

  async setMapping(supplierId: number, mappings: FileOptions['mappings']): Promise<void> {
    const names = JSON.stringify(mappings);
    await this.#database.db
      .insertInto('feed_suppliers')
      .values({ supplier_id: supplierId, column_names: names })
      .onConflict((conflict) => conflict.column('supplier_id').doUpdateSet({ column_names: names }))
      .execute();
  }

  async expired(startedBeforeMs: number, limit: number): Promise<readonly FileRecord[]> {
    const rows = await this.#rows()
      .where('feeds.is_kept', '=', 1)
      .where('feeds.uploaded_at_ms', '<', startedBeforeMs)
      .where('feeds.state', 'not in', OPEN_STATES)
      .where((where) =>
        where.or([
          where('feeds.started_at_ms', 'is', null),
          where('feeds.started_at_ms', '<', startedBeforeMs),
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

  async kept(uuids: readonly string[]): Promise<readonly string[]> {
    if (uuids.length === 0) return [];
    const rows = await this.#database.db
      .selectFrom('feeds')
      .select('uuid')
      .where('uuid', 'in', uuids)
      .where('is_kept', '=', 1)
      .execute();
    return rows.map(({ uuid }) => uuid);
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
