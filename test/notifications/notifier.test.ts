import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  emailChannel,
  webhookChannel,
  type Notification,
} from '../../src/notifications/channels.ts';
import { Notifier } from '../../src/notifications/notifier.ts';
import { startServer, webhookOptionsOf } from '../../src/server.ts';
import { TestServer } from '../http/harness.ts';
import {
  openTestStore,
  sqliteDatabase,
  testSettings,
  type TestDatabase,
} from '../store/fixtures.ts';
import { Receiver } from '../webhooks/receiver.ts';
import { startMailServer } from './mail-server.ts';

let database: TestDatabase;
let store: Awaited<ReturnType<typeof openTestStore>>;
let sent: Notification[];
let failures: unknown[];
let isAccepting: boolean;
let isStoreUp: boolean;
let isWorkerUp: boolean;
let isBackedUp: boolean;
let freeBytes: number;
let notifier: Notifier;

beforeEach(async () => {
  database = await sqliteDatabase();
  store = await openTestStore(database);
  [sent, failures] = [[], []];
  [isAccepting, isStoreUp, isWorkerUp, isBackedUp, freeBytes] = [true, true, true, true, 1000];
  const channel = {
    name: 'test',
    send: (notification: Notification): Promise<void> => {
      if (!isAccepting) return Promise.reject(new Error('not now'));
      sent.push(notification);
      return Promise.resolve();
    },
  };
  notifier = new Notifier({
    store,
    channels: [channel],
    probe: () =>
      isStoreUp
        ? Promise.resolve({ workers: [{ name: '10.0.0.2:5432', isUp: isWorkerUp }] })
        : Promise.reject(new Error('down')),
    freeDiskBytes: () => Promise.resolve(freeBytes),
    freeDiskBytesMin: 100,
    backups: () => ({ isUp: isBackedUp }),
    now: Date.now,
    onFailure: (error) => failures.push(error),
  });
});
afterEach(async () => {
  await store.close();
  await database.remove();
});

test('sends one message when conditions begin and one when they end, even if there are several', async () => {
  await notifier.check();
  expect(sent).toEqual([]);
  const acme = await store.accounts.createOrganization({ type: 'supplier', name: 'Acme\nInc' });
  await store.changes.setExpectedInterval(acme.id, 60);
  isBackedUp = false;
  await notifier.check();
  await notifier.check();
  expect(sent).toEqual([
    {
      subject: 'onhand: The last backup failed or is overdue. (and 1 more)',
      text: 'The last backup failed or is overdue.\nAcme\nInc has not reported for longer than expected.',
    },
  ]);
  await store.changes.setExpectedInterval(acme.id, null);
  await notifier.check();
  expect(sent[1]).toEqual({
    subject: 'onhand: resolved: Acme Inc has not reported for longer than expected.',
    text: 'Resolved: Acme\nInc has not reported for longer than expected.',
  });
});

test('a message that is not accepted is sent again with the next check', async () => {
  [isAccepting, freeBytes] = [false, 10];
  await notifier.check();
  expect(failures).toHaveLength(1);
  isAccepting = true;
  await notifier.check();
  expect(sent).toMatchObject([{ text: 'The disk where files are stored is nearly full.' }]);
});

test('while the database does not answer, nothing that it said last is resolved', async () => {
  const acme = await store.accounts.createOrganization({ type: 'supplier', name: 'Acme' });
  await store.changes.setExpectedInterval(acme.id, 60);
  await notifier.check();
  isStoreUp = false;
  await notifier.check();
  expect(sent[1]?.text).toBe('The database cannot be read or written.');
  isStoreUp = true;
  await notifier.check();
  expect(sent[2]?.text).toBe('Resolved: The database cannot be read or written.');
});

test('while a worker of the database does not answer, nothing that was said of its suppliers is resolved', async () => {
  const acme = await store.accounts.createOrganization({ type: 'supplier', name: 'Acme' });
  await store.changes.setExpectedInterval(acme.id, 60);
  await notifier.check();
  isWorkerUp = false;
  await store.changes.setExpectedInterval(acme.id, null);
  await notifier.check();
  expect(sent[1]?.text).toBe(
    'The worker 10.0.0.2:5432 of the database cannot be reached: requests of its suppliers are answered 503.',
  );
});

test('an email reaches a mail server, and one that it refuses is an error', async () => {
  const mail = await startMailServer();
  const settings = {
    smtpUrl: mail.url,
    from: 'onhand@example.com',
    to: 'ops@example.com',
    allowPlain: true,
  };
  await emailChannel(settings).send({ subject: 'onhand: Füße', text: 'One.\nTwo.' });
  await mail.stop();
  expect(mail.mails).toHaveLength(1);
  expect(mail.mails[0]).toMatch(/^To: ops@example\.com\r$/m);
  expect(mail.mails[0]).toContain('One.\r\nTwo.');
  await expect(emailChannel(settings).send({ subject: 'x', text: 'x' })).rejects.toThrow();
});

test('an email is sent only after STARTTLS, even if the mail server does not offer it, unless plain is allowed on loopback', async () => {
  const plain = await startMailServer();
  const message = { subject: 'x', text: 'x' };
  const settings = { from: 'onhand@example.com', to: 'ops@example.com' };
  const required = emailChannel({ ...settings, smtpUrl: plain.url, allowPlain: false });
  await expect(required.send(message)).rejects.toThrow(/STARTTLS/);
  const elsewhere = plain.url.replace('127.0.0.1', '0.0.0.0');
  const allowed = emailChannel({ ...settings, smtpUrl: elsewhere, allowPlain: true });
  await expect(allowed.send(message)).rejects.toThrow(/STARTTLS/);
  await plain.stop();
  expect(plain.mails).toEqual([]);
});

test('a server stops at once while a mail server hangs', async () => {
  const hanging = createServer().listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const address = hanging.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connected = once(hanging, 'connection');
  const server = await TestServer.start({
    smtpUrl: `smtp://127.0.0.1:${port}`,
    notifyEmail: 'ops@example.com',
    notifyFrom: 'onhand@example.com',
    freeDiskBytesMin: Number.MAX_SAFE_INTEGER,
  });
  await connected;
  await server.stop();
  const closed = once(hanging, 'close');
  hanging.close();
  await closed;
  // A server that waits for the mail server reports that it did not answer in time.
  expect(JSON.stringify(server.log)).not.toContain('notification failed');
});

test('a webhook gets {"text"}, never on an address that webhooks may not call', async () => {
  const receiver = await Receiver.http((response, { path }) =>
    response.writeHead(path === '/no' ? 403 : 200).end(),
  );
  const url = `http://127.0.0.1:${receiver.port}`;
  const notification = { subject: 'x', text: 'One.' };
  try {
    const open = { webhooksAllowHttp: true, webhooksAllowPrivateNetworks: true };
    const options = webhookOptionsOf(testSettings(database, open));
    await webhookChannel(`${url}/hook`, options).send(notification);
    expect(receiver.received[0]?.body).toBe('{"text":"One."}');
    const refused = webhookChannel(`${url}/no`, options).send(notification);
    await expect(refused).rejects.toThrow('answered 403');
    const guarded = webhookOptionsOf(testSettings(database, { webhooksAllowHttp: true }));
    await expect(webhookChannel(url, guarded).send(notification)).rejects.toThrow();
    expect(receiver.received).toHaveLength(2);
  } finally {
    await receiver.close();
  }
});

test('a server sends emails to the recipients in its settings, and does not start if it could send to none', async () => {
  const mail = await startMailServer();
  const server = await TestServer.start({
    smtpUrl: mail.url,
    smtpAllowPlain: true,
    notifyEmail: 'ops@example.com',
    notifyFrom: 'onhand@example.com',
    freeDiskBytesMin: Number.MAX_SAFE_INTEGER,
  });
  await expect.poll(() => mail.mails.length).toBe(1);
  await server.stop();
  await mail.stop();
  expect(mail.mails[0]).toContain('nearly full');
  const wrong = testSettings(database, { notifyEmail: 'ops@example.com' });
  await expect(startServer(wrong)).rejects.toThrow('set ONHAND_NOTIFY_FROM and ONHAND_SMTP_URL');
  const plain = testSettings(database, { notifyUrl: 'http://chat.example/secret' });
  await expect(startServer(plain)).rejects.toThrow(
    /^ONHAND_NOTIFY_URL cannot be used: it must begin with https:\/\/\.$/,
  );
});
