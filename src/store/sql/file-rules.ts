import { isDeepStrictEqual } from 'node:util';
import { SERVER_AUTHOR, type Author } from '../../domain/audit.ts';
import { NO_RULES, type ReadingRules } from '../../domain/reading-rules.ts';
import { noted } from './audit.ts';
import type { SqlDatabase } from './database.ts';
import { encodeRules, savedRulesOf } from './file-record.ts';

type SavedRules = Parameters<typeof savedRulesOf>[0];

/** The saved rules of how suppliers' files are read. */
export class SqlFileRules {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  async rulesOf(supplierId: number): Promise<ReadingRules> {
    const row = await this.#savedRules(supplierId);
    return row === undefined ? NO_RULES : savedRulesOf(row);
  }

  #savedRules(supplierId: number): Promise<SavedRules | undefined> {
    return this.#database.db
      .selectFrom('feed_suppliers')
      .select(['column_names', 'rules'])
      .where('supplier_id', '=', supplierId)
      .executeTakeFirst();
  }

  /** Writes only a change, and only if the rules are still those that were read; otherwise it reads them again. */
  async changeRules(
    supplierId: number,
    change: (before: ReadingRules) => ReadingRules,
    author?: Author,
  ): Promise<ReadingRules> {
    for (;;) {
      const row = await this.#savedRules(supplierId);
      const before = row === undefined ? NO_RULES : savedRulesOf(row);
      const rules = change(before);
      if (isDeepStrictEqual(before, rules)) return rules;
      if (await this.#replaceRules(supplierId, row, rules, author)) return rules;
    }
  }

  async #replaceRules(
    supplierId: number,
    before: SavedRules | undefined,
    rules: ReadingRules,
    author: Author = SERVER_AUTHOR,
  ): Promise<boolean> {
    const stored = encodeRules(rules);
    const row = {
      column_names: JSON.stringify(stored.mappings),
      rules: JSON.stringify(stored.rules),
    };
    const { db } = this.#database;
    const change =
      before === undefined
        ? db
            .insertInto('feed_suppliers')
            .values({ supplier_id: supplierId, ...row })
            .onConflict((conflict) => conflict.column('supplier_id').doNothing())
        : db
            .updateTable('feed_suppliers')
            .where('supplier_id', '=', supplierId)
            .where('column_names', '=', before.column_names)
            .where('rules', '=', before.rules)
            .set(row);
    return noted(
      this.#database,
      {
        author,
        organizationId: supplierId,
        action: 'file_rules.changed',
        subject: 'reading rules',
        details: { columns: row.column_names, rules: row.rules },
      },
      [change],
    );
  }
}
