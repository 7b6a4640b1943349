import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { textAt } from '../http/answers.ts';
import { BULK } from '../http/harness.ts';
import { textMatching } from '../matching.ts';
import { problemsOf } from '../store/fixtures.ts';
import { ended, Workplace } from './onhand.ts';

/** The first line of a stream that matches; the stream is read on to its end meanwhile. */
async function lineOf(
  stream: NodeJS.ReadableStream | null,
  pattern: RegExp,
): Promise<RegExpExecArray> {
  if (stream === null) throw new Error('the process has no output streams');
  const lines = createInterface({ input: stream });
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    lines.on('line', (line) => {
      said.push(line);
      const match = pattern.exec(line);
      if (match !== null) resolve(match);
    });
    lines.on('close', () => reject(new Error(`no line matches ${pattern}: ${said.join('\n')}`)));
  });
}

async function listenSomewhere(port = 0): Promise<Server> {
  const taken = createServer();
  taken.listen(port, '127.0.0.1');
  await once(taken, 'listening');
  return taken;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function exitOf(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  return child.exitCode;
}

describe('onhand serve', () => {
  let work: Workplace;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    work = await Workplace.make();
  });

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await work.remove();
  });

  const startLogging = (level: string, ...args: readonly string[]): ChildProcess => {
    const child = work.start(args, { ONHAND_LOG_LEVEL: level });
    children.push(child);
    return child;
  };

  const start = (...args: readonly string[]): ChildProcess => startLogging('silent', ...args);

  const serve = async (...args: readonly string[]) => {
    const child = start('serve', '--port', '0', ...args);
    const [, url = ''] = await lineOf(child.stderr, /^onhand serves \S+ at (http:\S+) /);
    return { child, url };
  };

  test('creates its database, responds, and exits 0 on SIGINT and on SIGTERM', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const { child, url } = await serve();
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      expect(await exitOf(child, signal)).toBe(0);
    }
    expect(await problemsOf(work.database)).toEqual([]);
  });

  test('tells systemd when it is ready, that it lives, and when it stops', async () => {
    const told = work.path('told');
    // In place of systemd's program: a unit's socket cannot be made without systemd.
    await writeFile(work.path('systemd-notify'), `#!/bin/sh\necho "$1" >>'${told}'\n`, {
      mode: 0o755,
    });
    const child = work.start(['serve', '--port', '0'], {
      ONHAND_LOG_LEVEL: 'silent',
      NOTIFY_SOCKET: '/run/nobody',
      WATCHDOG_USEC: '200000',
      PATH: `${work.folder}:${process.env['PATH']}`,
    });
    children.push(child);
    await expect
      .poll(() => readFile(told, 'utf8').catch(() => ''))
      .toMatch(/^READY=1$[^]*^WATCHDOG=1$/m);
    expect(await exitOf(child, 'SIGTERM')).toBe(0);
    await expect.poll(() => readFile(told, 'utf8')).toContain('STOPPING=1\n');
  });

  test('warns once and serves on when systemd cannot be notified', async () => {
    const child = work.start(['serve', '--port', '0'], {
      ONHAND_LOG_LEVEL: 'silent',
      NOTIFY_SOCKET: '/run/nobody',
      PATH: work.folder,
    });
    children.push(child);
    await lineOf(child.stderr, /warning: cannot send "READY=1" to systemd/);
    expect(await exitOf(child, 'SIGTERM')).toBe(0);
  });

  test('on SIGTERM completes accepted requests, and accepts no new ones', async () => {
    await work.succeed('organization', 'create', '--type', 'supplier', 'Acme');
    const token = (await work.succeed('token', 'create', '--organization', 'Acme')).trim();
    const { child, url } = await serve();
    const { hostname, port } = new URL(url);
    const body = JSON.stringify([{ sku_id: 'A', quantity_in_stock: 1 }]);

    // Half a request is on its way when the signal comes.
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${BULK} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Token ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
    );
    const reply: string[] = [];
    const answered = once(socket, 'close');
    // The server asks for the body once it has begun to work on the request.
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        reply.push(chunk.toString());
        if (reply.join('').includes('100 Continue')) resolve();
      });
    });
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await expect
      .poll(
        () =>
          fetch(`${url}/healthz`).then(
            () => 'taken',
            () => 'refused',
          ),
        { interval: 10 },
      )
      .toBe('refused');
    socket.write(body);
    await answered;
    await exited;
    expect(reply.join('')).toContain('No sku found with sku identifier');
    expect(child.exitCode).toBe(0);
  });

  test('logs its start, version and database, and the start and end of its shutdown', async () => {
    const child = startLogging('info', 'serve', '--port', '0');
    const said = ended(child);
    await lineOf(child.stderr, /^onhand serves /);
    child.kill('SIGTERM');
    const records = (await said).stdout.trim().split('\n');
    expect(records.map((record) => textAt(JSON.parse(record), 'msg'))).toEqual([
      'starting',
      textMatching(/^Server listening at http:/),
      'closing: accepted requests are finished first',
      'closed',
    ]);
    expect(JSON.parse(records[0] ?? '')).toMatchObject({
      version: textMatching(/^\d+\.\d+\.\d+$/),
      database: textMatching(/^sqlite:/),
    });
  });

  test('reports in one line that its port is in use, and exits 1', async () => {
    const taken = await listenSomewhere();
    const port = portOf(taken);
    try {
      expect(await ended(start('serve', '--port', String(port)))).toEqual({
        code: 1,
        stdout: '',
        stderr: textMatching(
          new RegExp(
            `^onhand: creating the database .*\\nonhand: Cannot listen on port ${port} of 127\\.0\\.0\\.1: another program uses it; stop that program, or choose another port with --port\\.\\n$`,
          ),
        ),
      });
    } finally {
      taken.close();
    }
  });

  test('rejects a database that another server uses, and names that server', async () => {
    const { child } = await serve();
    const second = await ended(start('serve', '--port', '0'));
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toMatch(
      new RegExp(
        `^onhand: Another server is running on .*\\(process ${child.pid} on 127\\.0\\.0\\.1`,
      ),
    );
    expect(await exitOf(child, 'SIGTERM')).toBe(0);
    const { child: next } = await serve();
    expect(await exitOf(next, 'SIGTERM')).toBe(0);
  });

  test('warns if it listens on a public address without a proxy', async () => {
    const bare = start('serve', '--port', '0', '--host', '0.0.0.0');
    await lineOf(bare.stderr, /warning: listening on 0\.0\.0\.0 without --trust-proxy/);
    expect(await exitOf(bare, 'SIGTERM')).toBe(0);

    const behind = start(
      'serve',
      '--port',
      '0',
      '--host',
      '0.0.0.0',
      '--trust-proxy',
      '10.0.0.0/8',
    );
    const said = ended(behind);
    const exited = once(behind, 'exit');
    behind.stderr?.once('data', () => behind.kill('SIGTERM'));
    await exited;
    const { code, stderr } = await said;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^onhand serves /);
    expect(stderr).not.toContain('warning');
  });
});

describe('onhand demo', () => {
  test('tries the next port if one is in use, shows its sample request, and leaves no files behind', async () => {
    const work = await Workplace.make();
    // Where something else has the port already, it is taken all the same.
    const taken = await listenSomewhere(8080).catch(() => undefined);
    const child = work.start(['demo'], { TMPDIR: work.folder });
    try {
      const said: string[] = [];
      child.stdout?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
      await lineOf(child.stdout, /Ctrl-C stops the demo/);
      const output = said.join('');
      expect(output).toMatch(/^Port 8080 is in use, trying 8081\.\n/);
      const url = /onhand demo: (http:\/\/127\.0\.0\.1:\d+) serves/.exec(output)?.[1] ?? '';
      expect(url).not.toBe('http://127.0.0.1:8080');
      expect(output).toContain(`curl -X "POST" "${url}${BULK}"`);
      expect(output).toContain(
        "No sku found with sku identifier: {'sku_id': 'NON-EXISTENT'}; Valid identifiers",
      );
      expect((await fetch(`${url}/healthz`)).status).toBe(200);

      const exited = once(child, 'exit');
      child.kill('SIGINT');
      await exited;
      expect(child.exitCode).toBe(0);
      expect(await work.run(['doctor'])).toMatchObject({ code: 1 });
    } finally {
      child.kill('SIGKILL');
      taken?.close();
      await work.remove();
    }
  });
});
