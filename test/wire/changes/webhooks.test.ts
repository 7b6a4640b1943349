import { expect, test } from 'vitest';
import type { ChangeRecord } from '../../../src/domain/changes.ts';
import { NOTHING_KNOWN } from '../../../src/domain/inventory.ts';
import { printChangeRecord } from '../../../src/wire/changes/change-records.ts';
import { printWebhookBody } from '../../../src/wire/changes/webhooks.ts';

const supplier = { uuid: '7d9f0b1e-0000-4000-8000-000000000001', name: 'Acme' };
const entered: ChangeRecord = { kind: 'supplier_entered', supplier, sequence: 1 };

function changeAt(changedAtMs: number): ChangeRecord {
  return {
    kind: 'change',
    change: {
      supplier,
      sku: {
        uuid: supplier.uuid,
        skuId: 'A-1',
        identifiers: { upca: null, ean13: null, gtin14: null, isbn: null, asin: null, mpn: null },
      },
      sequence: 2,
      changedAtMs,
      before: NOTHING_KNOWN,
      after: { ...NOTHING_KNOWN, quantityInStock: 1 },
      batchUuid: supplier.uuid,
      reason: null,
      traceparent: null,
    },
  };
}

test('a message with changes has the type, the time of its last change, the records and the cursor', () => {
  const records = [entered, changeAt(2000), changeAt(1000)];
  const body = printWebhookBody({ type: 'inventory.changed', records, cursor: 'AQ' }, 9000);
  expect(JSON.parse(body)).toEqual({
    type: 'inventory.changed',
    timestamp: '1970-01-01T00:00:02.000000Z',
    data: { records: records.map(printChangeRecord), cursor: 'AQ' },
  });
});

test('a message without a change has the time at which it was created', () => {
  const message = { type: 'inventory.changed', records: [entered], cursor: 'AQ' } as const;
  expect(JSON.parse(printWebhookBody(message, 9000))).toMatchObject({
    timestamp: '1970-01-01T00:00:09.000000Z',
  });
});

test('a test message has a type and a time, and no data', () => {
  expect(JSON.parse(printWebhookBody({ type: 'webhook.test' }, 9000))).toEqual({
    type: 'webhook.test',
    timestamp: '1970-01-01T00:00:09.000000Z',
    data: {},
  });
});
