import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Organization } from '../../../src/domain/parties.ts';
import { mailSettingsOf } from '../../../src/notifications/channels.ts';
import { RecipientNotifier } from '../../../src/notifications/recipient-notifier.ts';
import { webhookOptionsOf } from '../../../src/server.ts';
import { startMailServer } from '../../notifications/mail-server.ts';
import { entry, testSettings } from '../../store/fixtures.ts';
import { Receiver } from '../../webhooks/receiver.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { FileClient } from '../files/file-client.ts';
import { BULK, TestServer, type Answer } from '../harness.ts';

const RECIPIENTS = '/timp/notifications/recipients/';
const HOUR_MS = 3_600_000;

let mail: Awaited<ReturnType<typeof startMailServer>>;
let receiver: Receiver;
let server: TestServer;
let acme: Organization;
let token: string;
let shop: Organization;
let shopToken: string;
let other: string;
let operator: string;
/** The clock of the tests' own notifier. The turn of the server's has passed by then. */
let nowMs: number;
let failures: unknown[];
let isAccepting: boolean;

beforeAll(async () => {
  mail = await startMailServer();
  receiver = await Receiver.http((response) => response.writeHead(isAccepting ? 200 : 500).end());
  server = await TestServer.start({
    smtpUrl: mail.url,
    smtpAllowPlain: true,
    notifyFrom: 'onhand@example.com',
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
    recipientsMax: 6,
    confirmationEmailsPerDayMax: 8,
  });
});
afterAll(async () => {
  await server.stop();
  await mail.stop();
  await receiver.close();
});

let round = 0;
beforeEach(async () => {
  round += 1;
  [nowMs, failures, isAccepting] = [Date.now() + round * HOUR_MS, [], true];
  receiver.received.length = 0;
  ({ supplier: acme, token } = await server.createSupplier(`Acme ${round}`, [
    entry('a'),
    entry('b'),
  ]));
  ({ token: other } = await server.createSupplier(`Other ${round}`));
  shop = await server.createOrganization('retailer', `Shop ${round}`);
  shopToken = await server.createToken(shop.id, ['view_items', 'manage_webhooks']);
  const { id } = await server.createOrganization('operator', `Ops ${round}`);
  operator = await server.createToken(id, ['view_items', 'manage_webhooks']);
});

/** Tells the recipients what is due, some minutes after the last time. */
async function check(minutes = 1): Promise<void> {
  nowMs += minutes * 60_000;
  const settings = testSettings(server.database, {
    smtpUrl: mail.url,
    smtpAllowPlain: true,
    notifyFrom: 'onhand@example.com',
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
  });
  await new RecipientNotifier({
    store: server.store,
    nodeId: 'test',
    mail: mailSettingsOf(settings),
    webhookOptions: webhookOptionsOf(settings),
    now: () => nowMs,
    onFailure: (error) => failures.push(error),
  }).check();
}

const add = (bearer: string, body: object): Promise<Answer> =>
  server.ask('POST', RECIPIENTS, { token: bearer, body });
const hook = (path = ''): object => ({
  channel: 'webhook',
  address: `http://127.0.0.1:${receiver.port}/${path}`,
});
/** The text of each message that a path received. */
const textsAt = (path: string): readonly string[] =>
  receiver.received
    .filter((request) => request.path === `/${path}`)
    .map(({ body }) => textAt(JSON.parse(body), 'text'));
const codeIn = (email = ''): string =>
  /code to the person who asked for it: (\w+)/.exec(email)?.[1] ?? '';

describe('an email address', () => {
  test('gets only the question until its code is given, in any spelling', async () => {
    const made = await add(token, { channel: 'email', address: 'Stock@acme.example' });
    expect(made.status, made.text).toBe(201);
    expect(made.json).toMatchObject({ is_confirmed: false, address: 'Stock@acme.example' });
    const path = made.headers.get('location') ?? '';
    await server.store.changes.setExpectedInterval(acme.id, 1);
    const before = mail.mails.length;
    await check();
    expect(mail.mails).toHaveLength(before);
    const code = codeIn(mail.mails.at(-1));
    const wrong = await server.ask('POST', `${path}confirm/`, { token, body: { code: 'WRONG' } });
    problemOf(wrong, 422, 'recipient_refused');
    const right = await server.ask('POST', `${path}confirm/`, {
      token,
      body: { code: ` ${code.toLowerCase()} ` },
    });
    expect(right.json).toMatchObject({ is_confirmed: true });
    await check();
    expect(failures).toEqual([]);
    expect(mail.mails.at(-1)).toContain(`Acme ${round} has not reported for longer than expected.`);
    expect(mail.mails.at(-1)).toMatch(/^To: Stock@acme\.example\r$/m);
    const actions = await server.store.audit.read({ organizationUuid: acme.uuid, limit: 100 });
    expect(actions.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['recipient.created', 'recipient.confirmed']),
    );
  });

  test('cannot be confirmed after five wrong codes, or with an earlier one', async () => {
    const made = await add(token, { channel: 'email', address: 'many@acme.example' });
    const path = made.headers.get('location') ?? '';
    const confirm = (code: string) =>
      server.ask('POST', `${path}confirm/`, { token, body: { code } });
    const first = codeIn(mail.mails.at(-1));
    for (let i = 0; i < 5; i += 1) expect((await confirm(`WRONG${i}`)).status).toBe(422);
    expect((await confirm(first)).status).toBe(422);
    await server.ask('POST', `${path}send-confirmation/`, { token });
    expect((await confirm(first)).status).toBe(422);
    expect((await confirm(codeIn(mail.mails.at(-1)))).status).toBe(200);
  });

  test('is asked three times a day at most, by all organizations and whatever its spelling', async () => {
    const before = mail.mails.length;
    const spellings = ['x@stranger.example', 'X+1@stranger.example', 'x+2@Stranger.example'];
    for (const [i, address] of spellings.entries()) {
      const made = await add(i === 0 ? other : token, { channel: 'email', address });
      expect(made.status, made.text).toBe(201);
      await server.ask('DELETE', made.headers.get('location') ?? '', {
        token: i === 0 ? other : token,
      });
    }
    const refused = await add(shopToken, { channel: 'email', address: 'x@stranger.example' });
    expect(problemOf(refused, 429, 'rate_limited')).toContain('3 to one address');
    expect(mail.mails).toHaveLength(before + 3);
    const none = await server.ask('GET', RECIPIENTS, { token: shopToken });
    expect(none.json).toEqual({ recipients: [] });
  });

  test('is one address, and an organization asks no more than its share of them', async () => {
    for (const address of [
      'a@b.example, c@d.example',
      'A <a@b.example>',
      'a@b.example\nBcc: c',
      'a',
    ]) {
      expect(
        problemOf(await add(token, { channel: 'email', address }), 400, 'member_invalid'),
      ).toContain('one email address');
    }
    for (let i = 0; i < 8; i += 1) {
      const made = await add(token, { channel: 'email', address: `${i}@many${round}.example` });
      await server.ask('DELETE', made.headers.get('location') ?? '', { token });
    }
    const refused = await add(token, { channel: 'email', address: `9@many${round}.example` });
    expect(problemOf(refused, 429, 'rate_limited')).toContain('at most 8 of an organization');
  });
});

describe('recipients', () => {
  test('belong to their organization: another one sees and changes none, and a token needs the permission', async () => {
    const made = await add(token, hook('secret-path'));
    expect(made.status, made.text).toBe(201);
    expect(made.text).not.toContain('secret-path');
    const path = made.headers.get('location') ?? '';
    for (const bearer of [other, shopToken, operator]) {
      expect((await server.ask('GET', RECIPIENTS, { token: bearer })).json).toEqual({
        recipients: [],
      });
      const answers = await Promise.all([
        server.ask('GET', path, { token: bearer }),
        server.ask('PATCH', path, { token: bearer, body: { digest: 'daily' } }),
        server.ask('DELETE', path, { token: bearer }),
        server.ask('POST', `${path}confirm/`, { token: bearer, body: { code: 'x' } }),
        server.ask('POST', `${path}send-confirmation/`, { token: bearer }),
      ]);
      for (const answer of answers) problemOf(answer, 404, 'recipient_not_found');
    }
    const viewer = await server.createToken(acme.id, ['view_items', 'edit_items']);
    problemOf(await add(viewer, hook()), 403, 'permission_missing');
    expect((await server.ask('GET', path, { token: viewer })).status).toBe(200);
    const listed = await server.ask('GET', `${RECIPIENTS}?organization=${acme.uuid}`, {
      token: operator,
    });
    expect(at(listed.json, 'recipients', 0, 'uuid')).toBe(at(made.json, 'uuid'));
  });

  test('choose what they are told and when, and what cannot be is explained', async () => {
    const quiet = { quiet_from: '20:00', quiet_until: '07:00', time_zone: 'Europe/Berlin' };
    const made = await add(token, { ...hook(), kinds: ['file_failed'], digest: 'daily', ...quiet });
    const path = made.headers.get('location') ?? '';
    const changed = await server.ask('PATCH', path, {
      token,
      body: { daily_at: '06:30', quiet_from: null, quiet_until: null, tells_resolved: false },
    });
    expect(changed.json).toMatchObject({
      kinds: ['file_failed'],
      digest: 'daily',
      daily_at: '06:30',
      quiet_from: null,
      quiet_until: null,
      time_zone: 'Europe/Berlin',
      repeat_after_minutes: 60,
      tells_resolved: false,
    });
    for (const [edit, says] of [
      [{ time_zone: 'Mars/Phobos' }, 'is no time zone'],
      [{ quiet_from: '20:00' }, 'both quiet_from and quiet_until'],
      [{ quiet_from: '20:00', quiet_until: '20:00' }, 'are equal'],
      [{ daily_at: '24:00' }, 'daily_at'],
      [{ kinds: [] }, 'kinds'],
    ] as const) {
      const answer = await server.ask('PATCH', path, { token, body: edit });
      expect(problemOf(answer, 400, 'member_invalid')).toContain(says);
    }
    const wrong = await add(shopToken, { ...hook(), kinds: ['file_failed'] });
    expect(problemOf(wrong, 400, 'member_invalid')).toContain(
      'A retailer gets no notifications of file_failed',
    );
  });

  test('are limited in number, and their URLs are guarded like those of webhooks', async () => {
    for (let i = 0; i < 6; i += 1) expect((await add(token, hook())).status).toBe(201);
    const extra = await add(token, hook());
    expect(problemOf(extra, 422, 'recipient_refused')).toContain('at most 6 recipients');
    const inside = await add(other, { channel: 'slack', address: 'http://169.254.169.254/x' });
    expect(problemOf(inside, 422, 'recipient_refused')).toContain('is not public');
  });
});

describe('a notification', () => {
  test('of a late supplier reaches it, its connected retailers and the operator, and nobody else', async () => {
    await server.store.accounts.createConnection(acme.id, shop.id);
    await add(token, hook('acme'));
    await add(shopToken, hook('shop'));
    await add(other, hook('other'));
    const stranger = await server.createOrganization('retailer', `Stranger ${round}`);
    const strangers = await server.createToken(stranger.id, ['view_items', 'manage_webhooks']);
    await add(strangers, hook('stranger'));
    await add(operator, hook('operator'));
    await server.store.changes.setExpectedInterval(acme.id, 1);
    await check();
    const late = `Acme ${round} has not reported for longer than expected.`;
    for (const path of ['acme', 'shop']) expect(textsAt(path)).toEqual([late]);
    expect(textsAt('operator').join('')).toContain(late);
    for (const path of ['other', 'stranger']) expect(textsAt(path)).toEqual([]);
    expect(JSON.parse(receiver.received.find(({ path }) => path === '/acme')?.body ?? '')).toEqual({
      type: 'notification',
      subject: `onhand: ${late}`,
      text: late,
      begun: [{ kind: 'supplier_late', organization_uuid: acme.uuid, text: late }],
      resolved: [],
    });
    await server.store.changes.setExpectedInterval(acme.id, null);
    await server.store.accounts.removeConnection(acme.id, shop.id);
    await check();
    expect(textsAt('acme').at(-1)).toBe(`Resolved: ${late}`);
    expect(textsAt('shop')).toHaveLength(1);
    expect(failures).toEqual([]);
  });

  test('tells a supplier of its failed and held files, tripped safety limit, paused webhook and expiring token', async () => {
    await add(token, hook('all'));
    const client = new FileClient(server, token);
    const lost = await client.upload('sku_id,colour\na,red\n', '?filename=colours.csv');
    await client.processed(lost);
    const asked = await client.upload('sku_id,quantity\na,12.000\nb,1.500\n');
    await client.processed(asked);
    await server.store.batches.setSafetyLimit(acme.id, { percentMax: 0, skusMin: 1 });
    const stocked = await server.ask('POST', BULK, {
      token,
      body: [{ sku_id: 'a', quantity_in_stock: 5 }],
    });
    expect(stocked.status).toBe(200);
    const tripped = await server.ask('POST', BULK, {
      token,
      body: [{ sku_id: 'a', quantity_in_stock: 0 }],
    });
    expect(tripped.status).toBe(422);
    await server.createToken(acme.id, ['view_items'], nowMs + 86_400_000);
    const webhooks = { organizationId: acme.id, description: null, supplierUuids: null };
    for (const pausedReason of ['The receiver answered 410.', 'Paused by its owner.']) {
      const webhook = await server.store.webhooks.create(
        {
          ...webhooks,
          url: 'https://hooks.example/secret',
          secrets: { current: 'whsec_x', previous: null },
          creator: null,
        },
        20,
      );
      await server.store.webhooks.update(webhook?.id ?? 0, { pausedReason });
    }
    await expect.poll(() => server.store.notifications.trips(0)).not.toEqual([]);
    await check();
    const lines = textsAt('all').join('\n').split('\n');
    const name = `Acme ${round}`;
    // Who has it may send the request again.
    expect(lines.join('')).not.toContain('Confirmation-Code');
    expect(lines).toEqual([
      expect.stringContaining(`Files of ${name} that wait for an answer: 1.`),
      expect.stringMatching(/that failed or were refused .*: 1\. The latest "colours\.csv": /),
      expect.stringMatching(/was not applied\. This would take 1 of 1 SKUs/),
      `A webhook of ${name} to hooks.example is paused: The receiver answered 410.`,
      expect.stringContaining(`API tokens of ${name} that expire within 7 days: 1.`),
    ]);
  });

  test('that is not accepted is tried again later and later, and the owner sees why', async () => {
    const made = await add(token, hook('broken'));
    const path = made.headers.get('location') ?? '';
    await server.store.changes.setExpectedInterval(acme.id, 1);
    isAccepting = false;
    for (let minute = 0; minute < 8; minute += 1) await check();
    // After 0, 1 and 3 minutes, and 7.
    expect(textsAt('broken')).toHaveLength(4);
    const failing = await server.ask('GET', path, { token });
    expect(failing.json).toMatchObject({
      last_sent: null,
      last_failure: 'The receiver of notifications answered 500.',
    });
    isAccepting = true;
    await check(8);
    await check(60);
    expect(textsAt('broken')).toHaveLength(5);
    expect((await server.ask('GET', path, { token })).json).toMatchObject({ last_failure: null });
  });

  test('is sent by one node at a time, and not to a disabled organization', async () => {
    await add(token, hook('once'));
    await server.store.changes.setExpectedInterval(acme.id, 1);
    // The turn of the notifier of the test before has passed.
    nowMs += HOUR_MS / 2;
    const { notifications, accounts } = server.store;
    expect(await notifications.takeTurn('another', nowMs, nowMs + HOUR_MS)).toBe(true);
    await check();
    expect(textsAt('once')).toEqual([]);
    await notifications.takeTurn('another', nowMs, nowMs);
    await accounts.setOrganizationDisabled(acme.id, true);
    await check();
    expect(textsAt('once')).toEqual([]);
    await accounts.setOrganizationDisabled(acme.id, false);
    await check();
    expect(textsAt('once')).toHaveLength(1);
  });

  test('in a chat shows names as they are: never as a link or a mention', async () => {
    const named = await server.createOrganization('supplier', `<!channel> [x](https://y) ${round}`);
    const bearer = await server.createToken(named.id, ['view_items', 'manage_webhooks']);
    for (const channel of ['slack', 'teams']) await add(bearer, { ...hook(channel), channel });
    await server.store.changes.setExpectedInterval(named.id, 1);
    await check();
    expect(textsAt('slack')[0]).toMatch(/^&lt;!channel&gt; /);
    const card = receiver.received.find(({ path }) => path === '/teams')?.body ?? '';
    expect(at(JSON.parse(card), 'attachments', 0, 'content', 'body', 0, 'text')).toContain(
      String.raw`\[x\](https://y)`,
    );
  });
});
