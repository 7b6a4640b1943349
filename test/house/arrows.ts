/**
 * Which room may import which. `store` is the contract alone (its files outside the bodies); a body is
 * known to nobody but `main.ts`.
 */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  wire: ['domain'],
  formats: ['domain'],
  store: ['domain'],
  'store/sql': ['domain', 'store'],
  'store/sqlite': ['domain', 'store', 'store/sql'],
  'store/postgres': ['domain', 'store', 'store/sql'],
  accounts: ['domain', 'store'],
  intake: ['domain', 'formats', 'store'],
  files: ['domain', 'formats', 'intake', 'store'],
  changes: ['domain', 'wire', 'store'],
  webhooks: ['domain', 'wire', 'changes', 'store'],
  http: ['domain', 'wire', 'intake', 'files', 'changes', 'webhooks', 'accounts', 'store'],
  'config.ts': ['domain'],
  'main.ts': [
    'domain',
    'wire',
    'http',
    'intake',
    'files',
    'changes',
    'webhooks',
    'store',
    'store/sqlite',
    'store/postgres',
    'config.ts',
  ],
  cli: ['domain', 'intake', 'accounts', 'store', 'main.ts', 'config.ts'],
};
