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
