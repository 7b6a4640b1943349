/** The safety limits of suppliers. Commands use these statements without loading the rest of `SqlBatches`. */
import type { SafetyLimit } from '../../domain/safety-limit.ts';
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
  { db }: SqlDatabase,
  supplierId: number,
  limit: SafetyLimit | null,
): Promise<void> {
  await db
    .updateTable('suppliers')
    .set({
      breaker_percent_max: limit?.percentMax ?? null,
      breaker_skus_min: limit?.skusMin ?? null,
    })
    .where('id', '=', supplierId)
    .execute();
}
