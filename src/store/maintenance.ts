/** What the maintenance commands (`migrate`, `check`, …) ask of every implementation. */
import { OnhandError } from '../domain/errors.ts';

/** Throws if a newer onhand has migrated the database: this version does not know its schema. */
export function refuseNewer(version: number, knownVersion: number): void {
  if (version > knownVersion) {
    throw new OnhandError(
      'store_unavailable',
      `The database has schema version ${version}, newer than the ${knownVersion} that this onhand knows. Use a newer onhand.`,
    );
  }
}

export interface PendingMigrations {
  /** How many migrations have run. */
  readonly version: number;
  /** How many migrations this onhand knows. */
  readonly knownVersion: number;
  /** The SQL of each pending migration, in order. */
  readonly steps: readonly string[];
}

/** The result of one check of a database's integrity. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** What was checked; for a failed check, what is wrong and where. */
  readonly detail: string;
}
