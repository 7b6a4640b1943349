import { expect, test } from 'vitest';
import type { Webhook } from '../../src/domain/webhooks.ts';
import { followVisible } from '../../src/webhooks/suppliers.ts';

test('webhooks are refreshed with as many reads as there are organizations, not webhooks', async () => {
  let reads = 0;
  const followed: string[] = [];
  const organizations = [1, 2].map((id) => ({
    id,
    uuid: `uuid ${id}`,
    name: `Retailer ${id}`,
    type: 'retailer' as const,
    createdAtMs: 0,
    disabledAtMs: null,
  }));
  const all = Array.from({ length: 40 }, (_, i): Webhook => ({
    id: i,
    uuid: '',
    organizationId: 1 + (i % 2),
    url: '',
    description: null,
    supplierUuids: null,
    secrets: { current: '', previous: null },
    pausedReason: null,
    verifiedAtMs: null,
    createdAtMs: 0,
  }));
  const read = <T>(value: T): Promise<T> => {
    reads += 1;
    return Promise.resolve(value);
  };
  const position = { supplierId: 7, deliveredSequence: 1, message: null, version: 1 };
  await followVisible(all, {
    webhooks: {
      positions: () => read([{ ...position, webhookId: 3 }]),
      follow: (webhookId, supplierId, sequence) => {
        followed.push(`${webhookId} ${supplierId} ${sequence}`);
        return Promise.resolve();
      },
      unfollow: (webhookId, supplierId) => {
        followed.push(`${webhookId} without ${supplierId}`);
        return Promise.resolve();
      },
    },
    changes: {
      heads: (ids) =>
        read(new Map(ids.map((id) => [id, { oldestSequence: 1, lastSequence: id * 10 }]))),
    },
    accounts: {
      findOrganizationsById: () => read(organizations),
      findOrganizationsByUuid: () => read([]),
      visibleSupplierIds: (id) => read([id + 10]),
    },
  });
  expect(reads).toBe(6);
  expect(followed).toHaveLength(41);
  expect(followed).toContain('0 11 110');
  expect(followed).toContain('3 without 7');
});
