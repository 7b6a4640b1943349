/** The audit log. Each entry is written in the transaction of what it is about. */
import type { Compilable } from 'kysely';
import { sql } from './kysely.ts';
import {
  auditText,
  type AuditEntry,
  type AuditNote,
  type Author,
  type Deed,
} from '../../domain/audit.ts';
import type { AuditQuery, AuditStore } from '../audit-store.ts';
import type { SqlDatabase } from './database.ts';

export class SqlAudit implements AuditStore {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async read(query: AuditQuery): Promise<readonly AuditEntry[]> {
    const { after = 0, organizationUuid, action, limit, keep = 'first' } = query;
    let matching = this.#database.db
      .selectFrom('audit_entries')
      .select([
        'sequence',
        'organization_uuid as organizationUuid',
        'action',
        'entry as text',
        'hash',
      ])
      .where('sequence', '>', after);
    if (organizationUuid !== undefined) {
      matching = matching.where('organization_uuid', '=', organizationUuid);
    }
    if (action !== undefined) matching = matching.where('action', '=', action);
    const rows = await matching
      .orderBy('sequence', keep === 'first' ? 'asc' : 'desc')
      .limit(limit)
      .execute();
    return keep === 'first' ? rows : rows.toReversed();
  }

  async append(note: AuditNote): Promise<void> {
    const { author, deed } = await authorAndDeed(this.#database, note);
    await this.#database.transact(entryOf(this.#database, author, deed));
  }
}

/** The only row of `audit_head`. */
const HEAD_ID = 1;

/**
 * Does something and writes its entry, in one transaction. Without an entry if the first statement changes no row.
 * Resolves with whether it did.
 */
export async function record(
  database: SqlDatabase,
  author: Author,
  statements: readonly Compilable[],
  deed: Deed,
): Promise<boolean> {
  const [changed] = await database.transact(statements, entryOf(database, author, deed));
  return changed !== undefined && changed > 0;
}

/** The same with a note. Without one, nothing is written to the log. */
export async function noted(
  database: SqlDatabase,
  note: AuditNote | undefined,
  statements: readonly Compilable[],
): Promise<boolean> {
  if (note === undefined) {
    const [changed] = await database.transact(statements);
    return changed !== undefined && changed > 0;
  }
  const { author, deed } = await authorAndDeed(database, note);
  return record(database, author, statements, deed);
}

async function authorAndDeed(
  { db }: SqlDatabase,
  { author, organizationId, ...deed }: AuditNote,
): Promise<{ readonly author: Author; readonly deed: Deed }> {
  const { uuid: organizationUuid } = await db
    .selectFrom('organizations')
    .select('uuid')
    .where('id', '=', organizationId)
    .executeTakeFirstOrThrow();
  return { author, deed: { ...deed, organizationUuid } };
}

/**
 * The statements that append an entry. The first locks the head until the transaction ends, so that entries are chained
 * one after another, whatever node writes them.
 */
function entryOf({ db }: SqlDatabase, author: Author, deed: Deed): readonly Compilable[] {
  const text = auditText(author, deed, Date.now());
  return [
    db
      .insertInto('audit_head')
      .values({ id: HEAD_ID, sequence: 1, hash: sql`audit_hash('', ${text})` })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((head) => ({
          sequence: sql`${head.ref('audit_head.sequence')} + 1`,
          hash: sql`audit_hash(${head.ref('audit_head.hash')}, ${text})`,
        })),
      ),
    db
      .insertInto('audit_entries')
      .columns(['sequence', 'organization_uuid', 'action', 'entry', 'hash'])
      .expression(
        db
          .selectFrom('audit_head')
          .select((head) => [
            'sequence',
            head.val(deed.organizationUuid).as('organization_uuid'),
            head.val<string>(deed.action).as('action'),
            head.val(text).as('entry'),
            'hash',
          ]),
      ),
  ];
}
