import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { retryDelayMs } from '../../src/webhooks/schedule.ts';
import {
  newWebhookSecret,
  rotateSecret,
  signatureHeaders,
  type WebhookSecrets,
} from '../../src/webhooks/signature.ts';
import { fencesOf, sectionOf, tableRowsOf } from '../house/markdown.ts';
import { ROOT } from '../house/sources.ts';

const page = readFileSync(join(ROOT, 'docs', 'changes.md'), 'utf8');

function snippet(language: string): string {
  const found = fencesOf(page).find((fence) => fence.language === language);
  if (found === undefined) throw new Error(`docs/changes.md shows nothing in ${language}`);
  return found.text;
}

/** Programs that read messages from stdin and print for each whether the documented function accepts it. */
const HARNESSES = {
  js: {
    command: process.execPath,
    arguments: ['--input-type=module', '-e'],
    program: `${snippet('js')}
      import { readFileSync } from 'node:fs';
      const results = JSON.parse(readFileSync(0, 'utf8')).map(({ secret, headers, body }) => {
        try {
          return JSON.stringify(verify(secret, headers, body)) === JSON.stringify(JSON.parse(body));
        } catch {
          return false;
        }
      });
      process.stdout.write(JSON.stringify(results));`,
  },
  python: {
    command: 'python3',
    arguments: ['-c'],
    program: `${snippet('python')}
import sys
def accepts(message):
    try:
        body = message["body"].encode()
        return verify(message["secret"], message["headers"], body) == json.loads(body)
    except Exception:
        return False
print(json.dumps([accepts(message) for message in json.load(sys.stdin)]))`,
  },
} as const;

interface Sent {
  readonly secret: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

describe.for(['js', 'python'] as const)('the documented verification in %s', (language) => {
  const nowMs = Date.now();
  const [old, current, foreign] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()];
  const body = '{"type":"webhook.test","data":{"name":"Käse"}}';
  const rotated = rotateSecret({ current: old, previous: null }, current, nowMs);
  const sign = (secrets: WebhookSecrets, atMs = nowMs): Readonly<Record<string, string>> =>
    signatureHeaders({ id: 'msg_1', body }, secrets, atMs);
  const headers = sign({ current, previous: null });

  const GENUINE: readonly Sent[] = [
    { secret: current, headers, body },
    { secret: current, headers: sign(rotated), body },
    { secret: old, headers: sign(rotated), body },
    { secret: current, headers: sign({ current, previous: null }, nowMs - 60_000), body },
  ];
  const FALSE: readonly Sent[] = [
    { secret: foreign, headers: sign(rotated), body },
    { secret: current, headers, body: `${body} ` },
    { secret: current, headers: { ...headers, 'webhook-id': 'msg_2' }, body },
    {
      secret: current,
      headers: { ...headers, 'webhook-timestamp': String(Math.floor(nowMs / 1000) + 1) },
      body,
    },
    { secret: current, headers: sign({ current, previous: null }, nowMs - 600_000), body },
    { secret: current, headers: sign({ current, previous: null }, nowMs + 600_000), body },
    { secret: current, headers: { ...headers, 'webhook-signature': '' }, body },
    { secret: current, headers: { ...headers, 'webhook-signature': 'v1, v1a,AA== x' }, body },
    { secret: current, headers: {}, body },
  ];

  test('accepts genuine messages only', () => {
    const { command, arguments: given, program } = HARNESSES[language];
    const { status, stdout, stderr, error } = spawnSync(command, [...given, program], {
      input: JSON.stringify([...GENUINE, ...FALSE]),
      encoding: 'utf8',
    });
    // Skipped on machines without Python.
    if (language === 'python' && error !== undefined) return;
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual([...GENUINE.map(() => true), ...FALSE.map(() => false)]);
  });
});

test('the documented retry delays are the actual ones', () => {
  const rows = tableRowsOf(sectionOf(page, 'Attempts')).filter(([, wait = '']) =>
    /^[\d,]+ s$/.test(wait),
  );
  expect(rows.map(([, wait = '']) => Number(wait.replaceAll(/\D/g, '')) * 1000)).toEqual(
    [1, 2, 3, 4, 5, 6].map((attempts) => retryDelayMs(attempts, 0.5)),
  );
});
