/**
 * Which room may import which. `store` is the contract alone (its files outside the bodies); a body is
 * known to nobody but `main.ts`.
 */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  wire: ['domain'],
  store: ['domain'],
  'store/sqlite': ['domain', 'store'],
  'store/postgres': ['domain', 'store'],
  feeds: ['domain'],
  accounts: ['domain', 'store'],
  intake: ['domain', 'feeds', 'store'],
  changes: ['domain', 'wire', 'store'],
  http: ['domain', 'wire', 'intake', 'changes', 'accounts', 'store'],
  'config.ts': ['domain'],
  'main.ts': [
    'domain',
    'wire',
    'http',
    'intake',
    'changes',
    'store',
    'store/sqlite',
    'store/postgres',
    'config.ts',
  ],
  cli: ['domain', 'intake', 'accounts', 'store', 'main.ts', 'config.ts'],
};
