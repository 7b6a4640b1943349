/** The search part of an address of a supplier's screen. */
export interface ActingSearch {
  /** The supplier that an operator acts for. */
  readonly supplier?: string;
}

export function actingSearchOf(raw: Record<string, unknown>): ActingSearch {
  const { supplier } = raw;
  return typeof supplier === 'string' && supplier !== '' ? { supplier } : {};
}
