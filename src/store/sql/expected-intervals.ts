/** How often suppliers are expected to report. Commands use this without loading the rest of the change store. */
import { SERVER_AUTHOR, type Author } from '../../domain/audit.ts';
import { noted } from './audit.ts';
import type { SqlDatabase } from './database.ts';

/** See `ChangeStore.expectedIntervals`. */
export async function expectedIntervals({
  db,
}: SqlDatabase): Promise<ReadonlyMap<number, number | null>> {
  const rows = await db
    .selectFrom('suppliers')
    .select(['id', 'expected_interval_minutes'])
    .execute();
  return new Map(rows.map((row) => [row.id, row.expected_interval_minutes]));
}

/** See `ChangeStore.setExpectedInterval`. */
export async function setExpectedInterval(
  database: SqlDatabase,
  supplierId: number,
  minutes: number | null,
  author: Author = SERVER_AUTHOR,
): Promise<void> {
  const { db } = database;
  const { name } = await db
    .selectFrom('organizations')
    .select('name')
    .where('id', '=', supplierId)
    .executeTakeFirstOrThrow();
  const change = db
    .updateTable('suppliers')
    .set({ expected_interval_minutes: minutes })
    .where('id', '=', supplierId)
    .where('expected_interval_minutes', 'is distinct from', minutes);
  await noted(
    database,
    {
      author,
      organizationId: supplierId,
      action: 'expected_interval.set',
      subject: name,
      details: { minutes },
    },
    [change],
  );
}
