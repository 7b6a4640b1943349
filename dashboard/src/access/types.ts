import type {
  ConnectionPage,
  NewToken,
  Organization,
  OrganizationPage,
  Sessions,
  TokenPage,
  UserPage,
} from '../../../client/src/index.ts';

export type { NewToken, Organization, Sessions };
export type Tokens = TokenPage;
export type Token = TokenPage['tokens'][number];
export type Users = UserPage;
export type User = UserPage['users'][number];
export type Organizations = OrganizationPage;
export type Connections = ConnectionPage;
