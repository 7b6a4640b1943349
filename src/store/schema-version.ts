import { OnhandError } from '../domain/errors.ts';

/** Refuses a database that a newer onhand has migrated: this one would not know its rules. */
export function refuseNewer(version: number, knownVersion: number): void {
  if (version > knownVersion) {
    throw new OnhandError(
      'store_unavailable',
      `The database has schema version ${version}, newer than the ${knownVersion} that this onhand knows. Use a newer onhand.`,
    );
  }
}

/** What is still to be done to a database's schema. */
export interface PendingMigrations {
  /** Steps that have run, and that this onhand knows. */
  readonly version: number;
  readonly knownVersion: number;
  /** The SQL of each step that has not run, in order. */
  readonly steps: readonly string[];
}
