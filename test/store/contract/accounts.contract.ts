import { describe, expect, test } from 'vitest';
import { type TestDatabase } from '../fixtures.ts';
import { useSupplier } from './tested-supplier.ts';

/** The contract of accounts. */
export function describeAccounts(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`accounts of a ${kind} store`, () => {
    const supplier = useSupplier(createDatabase);

    describe('accounts', () => {
      supplier.useOwnDatabase();

      test('the name of an organization is unique', async () => {
        await expect(
          supplier.store.accounts.createOrganization({ type: 'retailer', name: supplier.name }),
        ).rejects.toMatchObject({
          code: 'already_exists',
        });
        expect((await supplier.store.accounts.listOrganizations()).map(({ name }) => name)).toEqual(
          [supplier.name],
        );
      });

      test('a retailer sees a supplier while they are connected', async () => {
        const { accounts } = supplier.store;
        const retailer = await accounts.createOrganization({ type: 'retailer', name: 'Shop' });
        const visible = () => accounts.visibleSupplierIds(retailer.id, 'retailer');
        expect(await visible()).toEqual([]);
        expect(await accounts.createConnection(supplier.id, retailer.id)).toBe(true);
        expect(await accounts.createConnection(supplier.id, retailer.id)).toBe(false);
        expect(await visible()).toEqual([supplier.id]);
        expect(
          (await accounts.listConnections()).map(({ supplier, retailer: shop }) => [
            supplier,
            shop,
          ]),
        ).toEqual([[supplier.name, 'Shop']]);
        expect(await accounts.removeConnection(supplier.id, retailer.id)).toBe(true);
        expect(await accounts.removeConnection(supplier.id, retailer.id)).toBe(false);
        expect(await visible()).toEqual([]);
        expect(await accounts.visibleSupplierIds(supplier.id, 'supplier')).toEqual([supplier.id]);
      });

      test('a user is found by name, and user names are unique', async () => {
        const draft = {
          organizationId: supplier.id,
          username: 'ann',
          passwordHash: 'hash',
          permissions: ['view_items'] as const,
        };
        const { uuid } = await supplier.store.accounts.createUser(draft);
        await expect(supplier.store.accounts.createUser(draft)).rejects.toMatchObject({
          code: 'already_exists',
        });
        expect(await supplier.store.accounts.findUser('ann')).toMatchObject({
          uuid,
          passwordHash: 'hash',
          permissions: ['view_items'],
          organization: { id: supplier.id, name: supplier.name, type: 'supplier' },
        });
        expect(await supplier.store.accounts.findUser('bob')).toBeUndefined();
      });

      test('deletes sessions that expired before a time, no other tokens, and reuses no id', async () => {
        const { accounts } = supplier.store;
        const { id: userId } = await accounts.findServiceUser(supplier.id);
        const create = async (byte: number, kind: 'api' | 'session', expiresAtMs: number) => {
          const tokenHash = new Uint8Array(32).fill(byte);
          const draft = { userId, tokenHash, permissions: [], expiresAtMs, kind };
          return (await accounts.createToken(draft)).id;
        };
        const idsFrom = async (first: number) =>
          (await accounts.listTokens()).map(({ id }) => id).filter((id) => id >= first);
        const expired = await create(11, 'session', 1000);
        const second = await create(12, 'session', 1000);
        const api = await create(13, 'api', 1000);
        const valid = await create(14, 'session', 2000);
        const last = await create(15, 'session', 1000);
        expect(await accounts.deleteSessions(2000, 1)).toBe(true);
        expect(await idsFrom(expired)).toHaveLength(4);
        expect(await accounts.deleteSessions(2000, 10)).toBe(false);
        expect(await idsFrom(expired)).toEqual([api, valid, last]);
        const next = await create(16, 'api', 3000);
        expect(next).toBeGreaterThan(last);
        expect(await accounts.deleteSessions(2000, 10)).toBe(false);
        expect(await idsFrom(second)).toEqual([api, valid, next]);
      });

      test('a token is valid until it expires or is revoked', async () => {
        const { accounts } = supplier.store;
        const user = await accounts.findServiceUser(supplier.id);
        const lasting = new Uint8Array(32).fill(1);
        const passing = new Uint8Array(32).fill(2);
        const permissions = ['edit_items'] as const;
        const { id } = await accounts.createToken({
          userId: user.id,
          tokenHash: lasting,
          permissions,
          expiresAtMs: null,
        });
        await accounts.createToken({
          userId: user.id,
          tokenHash: passing,
          permissions,
          expiresAtMs: 1000,
        });
        expect(await accounts.findPrincipal(lasting, 5000)).toEqual({
          tokenId: id,
          tokenKind: 'api',
          userId: user.id,
          username: null,
          organizationId: supplier.id,
          organizationName: supplier.name,
          organizationType: 'supplier',
          permissions: ['edit_items'],
        });
        expect(await accounts.findPrincipal(passing, 999)).toBeDefined();
        expect(await accounts.findPrincipal(passing, 1000)).toBeUndefined();
        expect(await accounts.findPrincipal(new Uint8Array(32), 0)).toBeUndefined();
        expect(await accounts.revokeToken(id)).toBe(true);
        expect(await accounts.revokeToken(id)).toBe(false);
        expect(await accounts.findPrincipal(lasting, 5000)).toBeUndefined();
        expect((await accounts.listTokens()).map((token) => token.revokedAtMs !== null)).toEqual([
          true,
          false,
        ]);
      });
    });
  });
}
