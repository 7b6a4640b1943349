/** The safety limits of suppliers. Commands use these statements without loading the rest of `SqlBatches`. */
import { SERVER_AUTHOR, type Author } from '../../domain/audit.ts';
import type { SafetyLimit } from '../../domain/safety-limit.ts';
import { record } from './audit.ts';
import type { SqlDatabase } from './database.ts';

/** See `BatchStore.safetyLimitOf`. */
export async function safetyLimitOf(
  { db }: SqlDatabase,
  supplierId: number,
): Promise<SafetyLimit | null> {
  const row = await db
    .selectFrom('suppliers')
    .select(['breaker_percent_max', 'breaker_skus_min'])
    .where('id', '=', supplierId)
    .executeTakeFirstOrThrow();
  const { breaker_percent_max: percentMax, breaker_skus_min: skusMin } = row;
  return percentMax === null || skusMin === null ? null : { percentMax, skusMin };
}

/** See `BatchStore.setSafetyLimit`. */
export async function setSafetyLimit(
  database: SqlDatabase,
  supplierId: number,
  limit: SafetyLimit | null,
  author: Author = SERVER_AUTHOR,
): Promise<void> {
  const { db } = database;
  const { uuid } = await db
    .selectFrom('organizations')
    .select('uuid')
    .where('id', '=', supplierId)
    .executeTakeFirstOrThrow();
  const columns = {
    breaker_percent_max: limit?.percentMax ?? null,
    breaker_skus_min: limit?.skusMin ?? null,
  };
  const change = db
    .updateTable('suppliers')
    .set(columns)
    .where('id', '=', supplierId)
    .where((supplier) =>
      supplier.or([
        supplier('breaker_percent_max', 'is distinct from', columns.breaker_percent_max),
        supplier('breaker_skus_min', 'is distinct from', columns.breaker_skus_min),
      ]),
    );
  await record(database, author, [change], {
    action: limit === null ? 'safety_limit.cleared' : 'safety_limit.set',
    organizationUuid: uuid,
    subject: uuid,
    ...(limit !== null && {
      details: { percent_max: limit.percentMax, skus_min: limit.skusMin },
    }),
  });
}
