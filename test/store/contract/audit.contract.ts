import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import type { Author } from '../../../src/domain/audit.ts';
import { ConnectionPool } from '../../../src/store/postgres/connection/pool.ts';
import { textMatching } from '../../matching.ts';
import { openTestStore, problemsOf, type TestDatabase } from '../fixtures.ts';
import { useSupplier } from './tested-supplier.ts';

const ANN: Author = {
  kind: 'user',
  name: 'ann',
  tokenId: 7,
  requestId: 'request-1',
  address: '192.0.2.7',
};

/** Runs SQL on the database directly, without a store. */
async function execute({ url }: TestDatabase, sql: string): Promise<void> {
  if (url.startsWith('sqlite:')) {
    const db = new Sqlite(url.slice('sqlite:'.length));
    db.exec(sql);
    db.close();
    return;
  }
  const pool = new ConnectionPool({ url, connectionsMax: 1 });
  try {
    await pool.query(sql);
  } finally {
    await pool.close();
  }
}

/** Lets SQL change the audit log, as its owner can. */
const unlocked = ({ url }: TestDatabase): string =>
  url.startsWith('sqlite:')
    ? 'DROP TRIGGER audit_entries_stay; DROP TRIGGER audit_entries_are_kept;'
    : 'ALTER TABLE audit_entries DISABLE TRIGGER USER;';

const locked = ({ url }: TestDatabase): string =>
  url.startsWith('sqlite:') ? '' : 'ALTER TABLE audit_entries ENABLE TRIGGER USER;';

/** The contract of the audit log. */
export function describeAudit(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`the audit log of a ${kind} store`, () => {
    const supplier = useSupplier(createDatabase);
    supplier.useOwnDatabase();

    const actions = async (): Promise<readonly string[]> =>
      (await supplier.store.audit.read({ limit: 100 })).map(({ action }) => action);

    test('has an entry for each deed, and none for what changed nothing', async () => {
      const { store, id, name } = supplier;
      const accounts = store.accounts.by(ANN);
      const shop = await accounts.createOrganization({ type: 'retailer', name: 'Shop' });
      for (let i = 0; i < 2; i += 1) await accounts.renameOrganization(shop.id, 'Big Shop');
      for (const isDisabled of [true, true, false, false]) {
        await accounts.setOrganizationDisabled(shop.id, isDisabled);
      }
      for (let i = 0; i < 2; i += 1) await accounts.createConnection(id, shop.id);
      for (let i = 0; i < 2; i += 1) await accounts.removeConnection(id, shop.id);
      const draft = {
        organizationId: id,
        username: 'ben',
        passwordHash: 'secret-1',
        permissions: [],
      };
      const { uuid } = await accounts.createUser(draft);
      await expect(accounts.createUser(draft)).rejects.toMatchObject({ code: 'already_exists' });
      const permissions = ['view_items', 'edit_items'] as const;
      for (const same of [permissions, permissions.toReversed()]) {
        await accounts.changeUser(id, uuid, { permissions: same, isDisabled: false });
      }
      await accounts.setPassword('ben', 'secret-2');
      await accounts.setPassword('nobody', 'secret-3');
      for (const isDisabled of [true, true, false])
        await accounts.setUserDisabled('ben', isDisabled);
      const { id: userId } = await accounts.findServiceUser(id);
      const token = {
        userId,
        tokenHash: Buffer.from('secret-4'),
        permissions: [],
        expiresAtMs: null,
      };
      const { id: tokenId } = await accounts.createToken(token);
      for (let i = 0; i < 2; i += 1) await accounts.revokeToken(tokenId);
      for (const limit of [null, { percentMax: 5, skusMin: 1 }, null]) {
        for (let i = 0; i < 2; i += 1) await store.batches.setSafetyLimit(id, limit, ANN);
      }
      expect(await actions()).toEqual([
        'organization.created',
        'organization.created',
        'organization.renamed',
        'organization.disabled',
        'organization.enabled',
        'connection.created',
        'connection.removed',
        'user.created',
        'user.changed',
        'password.changed',
        'user.disabled',
        'user.enabled',
        'token.created',
        'token.revoked',
        'safety_limit.set',
        'safety_limit.cleared',
      ]);
      const entries = await store.audit.read({ limit: 100 });
      expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1));
      expect(JSON.stringify(entries)).not.toMatch(/secret|c2VjcmV0|736563726574/);
      expect(JSON.parse(entries[0]?.text ?? '')).toMatchObject({
        details: { name, type: 'supplier' },
      });
      expect(JSON.parse(entries[2]?.text ?? '')).toEqual({
        at: textMatching(/^\d{4}-.*Z$/),
        action: 'organization.renamed',
        organization: shop.uuid,
        subject: shop.uuid,
        actor: { kind: 'user', name: 'ann', token_id: 7 },
        request_id: 'request-1',
        address: '192.0.2.7',
        details: { name: 'Big Shop', before: 'Shop' },
      });
      expect(await problemsOf(supplier.database)).toEqual([]);
    });

    test('has sessions that begin and end', async () => {
      const { accounts } = supplier.store;
      await accounts.createUser({
        organizationId: supplier.id,
        username: 'ben',
        passwordHash: 'hash',
        permissions: [],
      });
      const user = await accounts.findUser('ben');
      const { uuid } = await accounts.createToken({
        userId: user?.id ?? 0,
        tokenHash: Buffer.from('token'),
        permissions: [],
        expiresAtMs: Date.now() + 3_600_000,
        kind: 'session',
      });
      for (let i = 0; i < 2; i += 1) await accounts.endSession(user?.id ?? 0, uuid, Date.now());
      expect(await actions()).toEqual([
        'organization.created',
        'user.created',
        'session.started',
        'session.ended',
      ]);
    });

    test('is read in pages, of one organization or action, from either end', async () => {
      const { accounts, audit } = supplier.store;
      const { uuid } = await accounts.createOrganization({ type: 'retailer', name: 'Shop' });
      const { id: userId } = await accounts.findServiceUser(supplier.id);
      await accounts.createToken({
        userId,
        tokenHash: Buffer.from('t'),
        permissions: [],
        expiresAtMs: null,
      });
      const sequences = async (query: object): Promise<readonly number[]> =>
        (await audit.read({ limit: 10, ...query })).map(({ sequence }) => sequence);
      expect(await sequences({ limit: 2 })).toEqual([1, 2]);
      expect(await sequences({ limit: 2, keep: 'last' })).toEqual([2, 3]);
      expect(await sequences({ after: 2 })).toEqual([3]);
      expect(await sequences({ organizationUuid: uuid })).toEqual([2]);
      expect(await sequences({ action: 'token.created' })).toEqual([3]);
    });

    test('is one chain, whatever stores write at the same time', async () => {
      const { database } = supplier;
      const second = database.url.startsWith('sqlite:')
        ? supplier.store
        : await openTestStore(database);
      const names = Array.from({ length: 20 }, (_, i) => `Shop ${i}`);
      await Promise.all(
        names.map((name, i) =>
          (i % 2 === 0 ? supplier.store : second).accounts.createOrganization({
            type: 'retailer',
            name,
          }),
        ),
      );
      if (second !== supplier.store) await second.close();
      expect(await supplier.store.audit.read({ limit: 100 })).toHaveLength(21);
      expect(await problemsOf(database)).toEqual([]);
    });

    test('cannot be changed by accident', async () => {
      const { database } = supplier;
      for (const sql of [`UPDATE audit_entries SET action = ''`, 'DELETE FROM audit_entries']) {
        await expect(execute(database, sql)).rejects.toThrow('the audit log is append-only');
      }
    });

    describe('that was tampered with', () => {
      const original = 'UPDATE audit_entries SET entry = replace(entry,';
      test.for([
        [
          'a changed entry',
          `${original} 'Shop 1', 'Shop 9') WHERE sequence = 3`,
          `${original} 'Shop 9', 'Shop 1') WHERE sequence = 3`,
          'entry 3 was changed',
        ],
        [
          'an entry under another organization',
          `UPDATE audit_entries SET organization_uuid = 'x' || organization_uuid WHERE sequence = 3`,
          `UPDATE audit_entries SET organization_uuid = substr(organization_uuid, 2) WHERE sequence = 3`,
          'entry 3 was changed',
        ],
        [
          'a missing entry',
          'UPDATE audit_entries SET sequence = 99 WHERE sequence = 3',
          'UPDATE audit_entries SET sequence = 3 WHERE sequence = 99',
          'entry 4 was changed, or an entry before it is missing',
        ],
        [
          'a missing end',
          'UPDATE audit_head SET sequence = sequence + 1',
          'UPDATE audit_head SET sequence = sequence - 1',
          'the log ends at entry 4 and should end at entry 5',
        ],
      ] as const)('is found by its first broken entry: %s', async ([, sql, back, problem]) => {
        const { database, store } = supplier;
        for (let i = 0; i < 3; i += 1) {
          await store.accounts.createOrganization({ type: 'retailer', name: `Shop ${i}` });
        }
        await execute(database, unlocked(database) + sql);
        const found = await problemsOf(database);
        // The database is checked again when the test ends.
        await execute(database, `${back};${locked(database)}`);
        expect(found).toEqual([expect.stringContaining(`the audit log is unchanged: ${problem}`)]);
      });
    });
  });
}
