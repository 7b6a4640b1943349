export const TABS = ['organizations', 'tokens', 'users', 'sessions', 'password'] as const;
export type AccessTab = (typeof TABS)[number];

/** What the access screen shows: the search part of its address. */
export interface AccessSearch {
  readonly tab?: AccessTab;
}

/** The search of an address that someone may have typed: what it does not understand is left out. */
export function accessSearchOf(raw: Record<string, unknown>): AccessSearch {
  const tab = TABS.find((each) => each === raw['tab']);
  return tab === undefined ? {} : { tab };
}
