import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PERMISSIONS_OF_TYPE } from '../../../src/domain/parties.ts';
import type { Webhook, WebhookCreator } from '../../../src/domain/webhooks.ts';
import type { Store } from '../../../src/store/store.ts';
import { createSupplier, openTestStore, type TestDatabase } from '../fixtures.ts';

const LIMIT = 20;
const HOUR_MS = 3_600_000;

/** What every store promises of webhooks and of the credentials that they depend on. */
export function describeWebhooks(kind: string, createDatabase: () => Promise<TestDatabase>): void {
  describe(`webhooks of a ${kind} store`, () => {
    let database: TestDatabase;
    let store: Store;
    let organizationId: number;
    let tokens = 0;

    beforeEach(async () => {
      database = await createDatabase();
      store = await openTestStore(database);
      organizationId = await createSupplier(store, 'Acme');
    });
    afterEach(async () => {
      await store.close();
      await database.remove();
    });

    const create = (
      creator: WebhookCreator | null,
      limit = LIMIT,
      of = organizationId,
    ): Promise<Webhook | undefined> =>
      store.webhooks.create(
        {
          organizationId: of,
          url: 'https://example.com/',
          description: null,
          supplierUuids: null,
          secrets: { current: 'whsec_x', previous: null },
          creator,
        },
        limit,
      );
    const created = async (creator: WebhookCreator | null): Promise<Webhook> => {
      const webhook = await create(creator);
      if (webhook === undefined) throw new Error('the webhook was refused');
      return webhook;
    };
    const tokenOf = async (
      userId: number,
      expiresAtMs: number | null = null,
    ): Promise<WebhookCreator> => {
      tokens += 1;
      const tokenHash = new Uint8Array(32).fill(tokens);
      const { id } = await store.accounts.createToken({
        userId,
        tokenHash,
        permissions: PERMISSIONS_OF_TYPE.supplier,
        expiresAtMs,
      });
      return { userId, tokenId: id };
    };
    const serviceToken = async (expiresAtMs: number | null = null): Promise<WebhookCreator> =>
      tokenOf((await store.accounts.findServiceUser(organizationId)).id, expiresAtMs);
    const userId = async (username: string): Promise<number> => {
      await store.accounts.createUser({
        organizationId,
        username,
        passwordHash: 'hash',
        permissions: PERMISSIONS_OF_TYPE.supplier,
      });
      return (await store.accounts.findUser(username))?.id ?? 0;
    };
    const isActive = async ({ id }: Webhook): Promise<boolean> =>
      (await store.webhooks.active()).some((webhook) => webhook.id === id);
    const reasonOf = async ({ uuid }: Webhook): Promise<string | null | undefined> =>
      (await store.webhooks.find(organizationId, uuid))?.pausedReason;

    test('at most the limit is created, however many are created at the same time', async () => {
      const made = await Promise.all(Array.from({ length: 60 }, () => create(null)));
      expect(made.filter((webhook) => webhook !== undefined)).toHaveLength(LIMIT);
      expect(await store.webhooks.list(organizationId)).toHaveLength(LIMIT);
      const other = await createSupplier(store, 'Bolt');
      expect(await create(null, LIMIT, other)).toMatchObject({ organizationId: other });
      const [first] = await store.webhooks.list(organizationId);
      if (first !== undefined) await store.webhooks.remove(first.id);
      expect(await create(null)).toBeDefined();
      expect(await create(null)).toBeUndefined();
    });

    test('one without a known creator stays active', async () => {
      expect(await isActive(await created(null))).toBe(true);
    });

    test('one stops when the token that made it is revoked, until another resumes it', async () => {
      const creator = await serviceToken();
      const webhook = await created(creator);
      expect(await isActive(webhook)).toBe(true);
      await store.accounts.revokeToken(creator.tokenId);
      expect(await isActive(webhook)).toBe(false);
      expect(await reasonOf(webhook)).toMatch(/token .* was revoked/);
      const other = await serviceToken();
      await store.webhooks.update(webhook.id, { pausedReason: null, creator: other });
      expect(await isActive(webhook)).toBe(true);
      expect(await reasonOf(webhook)).toBeNull();
    });

    test('one stops when a token made on the command line expires', async () => {
      const valid = await created(await serviceToken(Date.now() + HOUR_MS));
      const expired = await created(await serviceToken(Date.now() - 1));
      expect([await isActive(valid), await isActive(expired)]).toEqual([true, false]);
      expect(await reasonOf(expired)).toMatch(/token .* has expired/);
    });

    test('one outlives the session that made it, but not its revocation', async () => {
      const creator = await tokenOf(await userId('jo'), Date.now() - 1);
      const webhook = await created(creator);
      expect(await isActive(webhook)).toBe(true);
      await store.accounts.revokeToken(creator.tokenId);
      expect(await isActive(webhook)).toBe(false);
    });

    test('a disabled user cannot be found, its tokens open nothing and its webhooks stop', async () => {
      const { accounts } = store;
      const creator = await tokenOf(await userId('jo'));
      const tokenHash = new Uint8Array(32).fill(tokens);
      const webhook = await created(creator);
      expect(await accounts.findPrincipal(tokenHash, 0)).toBeDefined();
      expect(await accounts.setUserDisabled('jo', true)).toBe(true);
      expect(await accounts.setUserDisabled('jo', true)).toBe(false);
      expect(await accounts.setUserDisabled('unknown', true)).toBe(false);
      expect(await accounts.findUser('jo')).toBeUndefined();
      expect(await accounts.findPrincipal(tokenHash, 0)).toBeUndefined();
      expect(await reasonOf(webhook)).toMatch(/disabled user/);
      expect(await accounts.setUserDisabled('jo', false)).toBe(true);
      expect(await accounts.findPrincipal(tokenHash, 0)).toBeDefined();
      expect(await isActive(webhook)).toBe(true);
    });

    test('a disabled organization cannot log in, its tokens open nothing and its webhooks stop', async () => {
      const { accounts } = store;
      await userId('ann');
      const creator = await tokenOf(await userId('bob'));
      const tokenHash = new Uint8Array(32).fill(tokens);
      const webhook = await created(creator);
      expect(await accounts.setOrganizationDisabled(organizationId, true)).toBe(true);
      expect(await accounts.setOrganizationDisabled(organizationId, true)).toBe(false);
      expect(await accounts.findUser('ann')).toBeUndefined();
      expect(await accounts.findPrincipal(tokenHash, 0)).toBeUndefined();
      expect(await reasonOf(webhook)).toBe('The organization is disabled.');
      const listed = (await accounts.listOrganizations()).find(({ id }) => id === organizationId);
      expect(listed?.disabledAtMs).toBeGreaterThan(0);
      expect(await accounts.setOrganizationDisabled(organizationId, false)).toBe(true);
      expect(await accounts.findUser('ann')).toBeDefined();
      expect(await accounts.findPrincipal(tokenHash, 0)).toBeDefined();
      expect(await isActive(webhook)).toBe(true);
    });

    test('a new password ends the tokens of logins, and no webhook', async () => {
      const { accounts } = store;
      const user = await userId('eve');
      const tokenHash = new Uint8Array(32).fill(255);
      const permissions = ['view_items'] as const;
      const expiresAtMs = Date.now() + 60_000;
      const { id } = await accounts.createToken({
        userId: user,
        tokenHash,
        permissions,
        expiresAtMs,
      });
      const webhook = await created({ userId: user, tokenId: id });
      expect(await accounts.setPassword('nobody', 'x')).toBe(false);
      expect(await accounts.setPassword('eve', 'another hash')).toBe(true);
      expect((await accounts.findUser('eve'))?.passwordHash).toBe('another hash');
      expect(await accounts.findPrincipal(tokenHash, Date.now())).toBeUndefined();
      expect(await isActive(webhook)).toBe(true);
    });

    test('only the latest attempts are kept, and the attempts of one message are found', async () => {
      const { webhooks } = store;
      const { id } = await created(null);
      const range = { supplierId: organizationId, afterSequence: 2 ** 33, toSequence: 2 ** 33 + 5 };
      const attempt = { durationMs: 2, status: 200, text: 'noted', isDelivered: true };
      const log = (messageId: string, startedAtMs: number, of = id) =>
        webhooks.logAttempt(
          of,
          { ...attempt, messageId, startedAtMs, range, exchange: `{"at":${startedAtMs}}` },
          3,
        );
      const other = await created(null);
      await log('a', 0, other.id);
      for (const [place, messageId] of ['a', 'a', 'b', 'a'].entries()) await log(messageId, place);
      const kept = await webhooks.attempts(id);
      expect(kept.map(({ messageId, startedAtMs }) => [messageId, startedAtMs])).toEqual([
        ['a', 3],
        ['b', 2],
        ['a', 1],
      ]);
      expect(await webhooks.attemptsOf(id, 'a')).toEqual([
        { ...attempt, messageId: 'a', startedAtMs: 3, range, exchange: '{"at":3}' },
        { ...attempt, messageId: 'a', startedAtMs: 1, range, exchange: '{"at":1}' },
      ]);
      expect(await webhooks.attempts(other.id)).toHaveLength(1);
    });

    test('a webhook that was removed meanwhile follows no supplier, which is no error', async () => {
      const { webhooks } = store;
      const { id } = await created(null);
      await webhooks.remove(id);
      await webhooks.follow(id, organizationId, 1);
      expect(await webhooks.positions([id])).toEqual([]);
    });

    test('a URL is verified by its first success, and a new URL is not', async () => {
      const { webhooks } = store;
      const { id, uuid, url } = await created(null);
      const verifiedAtMs = async () => (await webhooks.find(organizationId, uuid))?.verifiedAtMs;
      await webhooks.verify(id, 'https://other.example/', 5);
      expect(await verifiedAtMs()).toBeNull();
      await webhooks.verify(id, url, 5);
      await webhooks.verify(id, url, 6);
      expect(await verifiedAtMs()).toBe(5);
      await webhooks.update(id, { url: 'https://other.example/' });
      expect(await verifiedAtMs()).toBeNull();
    });
  });
}
