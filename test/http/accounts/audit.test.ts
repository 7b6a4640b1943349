import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PERMISSIONS_OF_TYPE } from '../../../src/domain/parties.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { FileClient, FILES } from '../files/file-client.ts';
import { BULK, SKUS, TestServer, type Asking } from '../harness.ts';

const AUDIT = '/timp/audit/';
const WEBHOOKS = '/timp/notifications/webhooks/';
const BATCHES = '/timp/products/skus/inventory/batches/';

let server: TestServer;
let auditor: string;
let operator: string;
let token: string;
let uuid: string;
let supplierId: number;

beforeAll(async () => {
  server = await TestServer.start({ webhooksAllowHttp: true, webhooksAllowPrivateNetworks: true });
  const host = await server.createOrganization('operator', 'Host');
  auditor = await server.createToken(host.id, ['view_audit_log']);
  operator = await server.createToken(host.id, ['manage_organizations']);
  const made = await server.createSupplier('Acme', [entry('a'), entry('b')]);
  ({ token } = made);
  ({ uuid, id: supplierId } = made.supplier);
});
afterAll(() => server.stop());

/** The entries that `work` leaves. */
async function entriesOf(work: () => Promise<unknown>): Promise<readonly unknown[]> {
  const before = await server.store.audit.read({ limit: 1, keep: 'last' });
  const after = before[0]?.sequence ?? 0;
  await work();
  const { status, json } = await server.ask('GET', `${AUDIT}?after=${after}`, { token: auditor });
  expect(status).toBe(200);
  const entries: unknown = at(json, 'entries');
  return Array.isArray(entries) ? [...(entries as readonly unknown[])] : [];
}

const send = async (method: string, path: string, asking: Asking = {}): Promise<unknown> => {
  const answer = await server.ask(method, path, { token, ...asking });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.json;
};

const line = (quantity: number) => [{ sku_id: 'a', quantity_in_stock: quantity }];

describe('the audit log has an entry, with its author, request and address, when', () => {
  test('a webhook is created, changed, paused, resumed, gets a new secret and is removed, without its URL', async () => {
    const entries = await entriesOf(async () => {
      const url = 'http://127.0.0.1:9/secret-path';
      const webhook = textAt(await send('POST', WEBHOOKS, { body: { url } }), 'uuid');
      const path = `${WEBHOOKS}${webhook}/`;
      await send('PATCH', path, { body: { description: 'Till' } });
      await send('PATCH', path, { body: { is_paused: true } });
      await send('PATCH', path, { body: { is_paused: false } });
      await send('POST', `${path}rotate-secret/`);
      await send('DELETE', path);
    });
    expect(entries.map((one) => textAt(one, 'action'))).toEqual([
      'webhook.created',
      'webhook.changed',
      'webhook.paused',
      'webhook.resumed',
      'webhook.secret_rotated',
      'webhook.removed',
    ]);
    expect(entries[0]).toMatchObject({
      organization: uuid,
      actor: { kind: 'token' },
      address: '127.0.0.1',
      details: { host: '127.0.0.1:9' },
    });
    expect(textAt(entries[0], 'request_id')).not.toBe('');
    expect(JSON.stringify(entries)).not.toMatch(/secret-path|whsec_/);
  });

  test('a message is sent again and changes are recovered, but not for a dry run', async () => {
    const body = { url: 'http://127.0.0.1:9/secret-path' };
    const webhook = textAt(await send('POST', WEBHOOKS, { body }), 'uuid');
    const path = `${WEBHOOKS}${webhook}/`;
    await send('POST', BULK, { body: line(3) });
    const deliveries = async () => at(await send('GET', `${path}deliveries/`), 'deliveries');
    await expect.poll(deliveries).toHaveLength(1);
    const message = textAt(await deliveries(), 0, 'message_id');
    const since = { since: new Date(Date.now() - 60_000).toISOString() };
    const entries = await entriesOf(async () => {
      await send('POST', `${path}deliveries/${message}/send/`);
      await send('POST', `${path}recover/?dry_run=true`, { body: since });
      await send('POST', `${path}recover/`, { body: since });
    });
    await send('DELETE', path);
    expect(entries).toMatchObject([
      { action: 'webhook.message_sent_again', subject: webhook, details: { message } },
      { action: 'webhook.recovered', organization: uuid, details: { host: '127.0.0.1:9' } },
    ]);
    expect(JSON.stringify(entries)).not.toContain('secret-path');
  });

  test('reading rules or column names change, but not when they are set to what they are', async () => {
    const path = '/timp/organizations/files/settings/';
    const entries = await entriesOf(async () => {
      for (let i = 0; i < 2; i += 1) await send('PATCH', path, { body: { locations: 'sum' } });
      await send('PUT', '/timp/organizations/files/mapping/', {
        body: { columns: { Lager: 'quantity_in_stock' } },
      });
    });
    expect(entries).toMatchObject([
      { action: 'file_rules.changed', organization: uuid, actor: { kind: 'token' } },
      { action: 'file_rules.changed' },
    ]);
    expect(textAt(entries[1], 'details', 'columns')).toContain('Lager');
  });

  test('an operator sets how often a supplier is expected to report, if that is a change', async () => {
    const entries = await entriesOf(async () => {
      const body = { expected_interval_minutes: 60 };
      for (let i = 0; i < 2; i += 1)
        await send('PATCH', `/timp/organizations/${uuid}/`, { token: operator, body });
    });
    expect(entries).toMatchObject([
      { action: 'expected_interval.set', organization: uuid, details: { minutes: 60 } },
    ]);
  });

  test('a batch is confirmed beyond the safety limit, and undone, but not for a dry run', async () => {
    await send('POST', BULK, { body: line(5) });
    await server.store.batches.setSafetyLimit(supplierId, { percentMax: 1, skusMin: 1 });
    const entries = await entriesOf(async () => {
      const refused = await server.ask('POST', BULK, { token, body: line(0) });
      const code = textAt(refused.json, 'confirmation_code');
      const headers = { 'confirmation-code': code };
      const applied = await server.ask('POST', BULK, { token, body: line(0), headers });
      const batch = applied.headers.get('batch-id') ?? '';
      await send('POST', `${BATCHES}${batch}/revert/?dry_run=true`);
      await send('POST', `${BATCHES}${batch}/revert/`);
    });
    await server.store.batches.setSafetyLimit(supplierId, null);
    expect(entries).toMatchObject([
      { action: 'batch.confirmed', details: { lines: 1 } },
      { action: 'batch.reverted', organization: uuid, details: { force: false } },
    ]);
  });

  test('a held file is confirmed, and undone, but not for a dry run or a refused confirmation', async () => {
    const client = new FileClient(server, token);
    await send('POST', BULK, { body: line(5) });
    await server.store.batches.setSafetyLimit(supplierId, { percentMax: 1, skusMin: 1 });
    const entries = await entriesOf(async () => {
      const file = await client.upload('sku_id,qty\na,0\n');
      await client.processed(file);
      await send('POST', `${FILES}${file}/confirm/`);
      await client.processed(file);
      problemOf(await client.ask('POST', `${FILES}${file}/confirm/`), 409, 'file_state_wrong');
      await send('POST', `${FILES}${file}/revert/?dry_run=true`);
      await send('POST', `${FILES}${file}/revert/`);
    });
    await server.store.batches.setSafetyLimit(supplierId, null);
    expect(entries).toMatchObject([
      { action: 'file.confirmed', organization: uuid, details: { rules: [] } },
      { action: 'file.reverted', organization: uuid, details: { force: false } },
    ]);
  });

  test('a SKU is retired', async () => {
    const entries = await entriesOf(async () => {
      const found = await send('GET', `${SKUS}?limit=500`);
      await send('DELETE', `${SKUS}${textAt(found, 'skus', 1, 'uuid')}/`);
    });
    expect(entries).toMatchObject([{ action: 'sku.retired', details: { sku_id: 'b' } }]);
  });
});

describe('the audit log over HTTP', () => {
  test('is read in pages, by organization and action', async () => {
    const first = await server.ask('GET', `${AUDIT}?limit=2`, { token: auditor });
    const after = at(first.json, 'next_after');
    expect(after).toBe(2);
    const second = await server.ask('GET', `${AUDIT}?limit=2&after=2`, { token: auditor });
    expect(at(second.json, 'entries', 0, 'sequence')).toBe(3);
    const query = `organization=${uuid}&action=organization.created`;
    const filtered = await server.ask('GET', `${AUDIT}?${query}`, { token: auditor });
    expect(filtered.json).toMatchObject({
      entries: [{ action: 'organization.created', organization: uuid }],
      next_after: null,
    });
    const wrong = await server.ask('GET', `${AUDIT}?action=nonsense`, { token: auditor });
    problemOf(wrong, 400, 'parameter_invalid');
  });

  test('is exported as CSV and NDJSON, in parts that name the next one', async () => {
    const path = `${AUDIT}export.ndjson?limit=3`;
    const part = await server.ask('GET', path, { token: auditor });
    expect(part.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
    expect(part.text.trim().split('\n')).toHaveLength(3);
    const [, next = ''] = /^<(.*)>; rel="next"$/.exec(part.headers.get('link') ?? '') ?? [];
    expect(next).toBe(`${AUDIT}export.ndjson?after=3&limit=3`);
    const following = await server.ask('GET', next, { token: auditor });
    expect(following.text).toMatch(/^\{"sequence":4,/);
    const table = await server.ask('GET', `${AUDIT}export.csv`, { token: auditor });
    expect(table.headers.get('content-disposition')).toContain('audit-after-0.csv');
    expect(table.headers.get('link')).toBeNull();
    expect(table.text).toMatch(/^sequence,at,action,organization,subject,.*\n1,/);
  });

  test('is for operators with view_audit_log only', async () => {
    for (const path of [AUDIT, `${AUDIT}export.csv`]) {
      problemOf(await server.ask('GET', path, { token: operator }), 403, 'permission_missing');
      problemOf(await server.ask('GET', path, { token }), 403, 'permission_missing');
      problemOf(await server.ask('GET', path), 401, 'unauthenticated');
    }
    const forged = await server.createToken(supplierId, [
      ...PERMISSIONS_OF_TYPE.supplier,
      'view_audit_log',
    ]);
    problemOf(await server.ask('GET', AUDIT, { token: forged }), 409, 'not_an_operator');
  });
});
