import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { contradictionsIn } from '../../src/settings/contradictions.ts';
import { givenIn, readGivenSettings } from '../../src/settings/read.ts';
import { gatherSettings, type GatheredSettings } from '../../src/settings/sources.ts';
import { readConfigurationFile } from '../../src/settings/toml-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'onhand-settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, 'onhand.toml');

/** Gathers the settings of a file with these lines, and of an environment. */
function gather(lines: readonly string[], environment: Environment = {}): GatheredSettings {
  writeFileSync(path, lines.join('\n'));
  return gatherSettings(environment, readConfigurationFile(path));
}

const secretFile = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('settings', () => {
  test('come from the environment, else from the file, else from the defaults', () => {
    const given = gather(['lines_max = 5', 'port = 81', 'trust_proxy = true', 'inbox = "/in"'], {
      ONHAND_LINES_MAX: '7',
      ONHAND_HOST: '',
    });
    expect(given.problems).toEqual([]);
    expect(readGivenSettings(given)).toMatchObject({
      linesMax: 7,
      port: 81,
      trustProxy: true,
      inbox: '/in',
      host: '127.0.0.1',
    });
    expect(given.sourceOf('ONHAND_LINES_MAX')).toEqual({
      source: 'environment',
      place: 'ONHAND_LINES_MAX',
    });
    expect(given.sourceOf('ONHAND_PORT')).toEqual({ source: 'file', place: `${path}:2` });
    expect(given.sourceOf('ONHAND_HOST')).toEqual({ source: 'default', place: null });
  });

  test('that are secrets can be in a file that a variable names, or in a systemd credential', () => {
    const token = secretFile('token', 'from-file\n');
    secretFile('onhand.token', 'from-credential');
    secretFile('onhand.database', 'sqlite:credential.db\n');
    secretFile('onhand.lines_max', '1');
    const given = gather(['token = "in-toml"', 'database = "sqlite:toml.db"'], {
      CREDENTIALS_DIRECTORY: folder,
      ONHAND_TOKEN_FILE: token,
    });
    expect(given.values).toEqual({
      ONHAND_TOKEN: 'from-file',
      ONHAND_DATABASE: 'sqlite:credential.db',
    });
    expect(given.sourceOf('ONHAND_TOKEN')).toEqual({ source: 'environment_file', place: token });
    expect(given.sourceOf('ONHAND_DATABASE').source).toBe('credential');
  });

  test.for([
    [
      { ONHAND_TOKEN: 'x', ONHAND_TOKEN_FILE: '/x' },
      'ONHAND_TOKEN and ONHAND_TOKEN_FILE are both set: unset one of them.',
    ],
    [{ ONHAND_TOKEN_FILE: '/no/such' }, 'ONHAND_TOKEN_FILE: /no/such cannot be read (ENOENT).'],
    [{ ONHAND_TOKEN_FILE: '/dev/null' }, 'ONHAND_TOKEN_FILE: /dev/null is empty.'],
    [
      { ONHAND_LINES_MAX_FILE: '/x' },
      'Unknown environment variable ONHAND_LINES_MAX_FILE (did you mean ONHAND_LINES_MAX?).',
    ],
  ] as const)('of the environment %j are refused', ([environment, problem]) => {
    const given = gatherSettings(environment, null);
    expect(given.problems).toEqual([problem]);
    expect(() => given.refuseMisgiven()).toThrow(problem);
  });
});

describe('a configuration file', () => {
  test.for([
    ['line_max = 5', 'unknown setting line_max (did you mean lines_max?).'],
    [
      '"lines_max" = "5"',
      'lines_max is "5", but must be a number without quotes: a whole number of at least 1.',
    ],
    ['lines_max = 0', 'lines_max is "0"; it must be a whole number of at least 1.'],
    ['lines_max = 1.5', 'lines_max is "1.5"; it must be a whole number of at least 1.'],
    ['port = 70000', 'port is "70000"; it must be a whole number from 0 to 65535.'],
    [
      'secure_cookies = 1',
      'secure_cookies is 1, but must be true or false without quotes: true or false.',
    ],
    [
      'log_level = "loud"',
      'log_level is "loud"; it must be one of fatal, error, warn, info, debug, silent.',
    ],
    [
      'log_level = true',
      'log_level is true, but must be a text in quotes: fatal, error, warn, info, debug, silent.',
    ],
    ['token = 5', 'token must be a text in quotes: a token.'],
    ['metrics_port = 99999', 'metrics_port is "99999"; it must be a whole number from 0 to 65535.'],
    [
      'smtp_url = "mail.example:hunter2"',
      'smtp_url must be smtp://USER:PASSWORD@HOST:PORT or smtps://….',
    ],
    [
      'metrics_token = "hunter2"',
      'metrics_token must have at least 16 characters, without spaces; `openssl rand -hex 20` prints one.',
    ],
    [
      'trust_proxy = "what?"',
      'trust_proxy is "what?"; it must be true, false, or addresses and CIDR ranges, comma-separated.',
    ],
    [
      '[limits]\nlines_max = 5',
      'limits is a table or list, which this file cannot have: write each setting on a line of its own, such as lines_max = 500000.',
    ],
  ] as const)('with %j is refused with the line', ([line, problem]) => {
    const before = [
      '# A comment.',
      'inbox = """',
      'lines_max = 1',
      line.split('\n')[0] ?? '',
      '"""',
    ];
    expect(gather([...before, line]).problems).toEqual([`${path}:6: ${problem}`]);
  });

  test('is checked even where the environment takes precedence', () => {
    expect(gather(['lines_max = "5"'], { ONHAND_LINES_MAX: '5' }).problems).toHaveLength(1);
  });

  test('that is not TOML is refused with line and column', () => {
    expect(() => gather(['port = 80', 'host = 127.0.0.1'])).toThrow(
      /onhand\.toml:2:\d+: this is not TOML: \w/,
    );
    expect(() => gather(['port = 80', 'port = 81'])).toThrow(
      /onhand\.toml:2:\d+: this is not TOML: \w/,
    );
  });

  test('that cannot be read is refused', () => {
    expect(() => readConfigurationFile(join(folder, 'none.toml'))).toThrow(
      /none\.toml cannot be read: there is no such file/,
    );
    expect(() => readConfigurationFile(folder)).toThrow(/cannot be read: it is a folder/);
    writeFileSync(join(folder, 'latin1.toml'), Buffer.from([0x23, 0xe4]));
    expect(() => readConfigurationFile(join(folder, 'latin1.toml'))).toThrow(/it is not UTF-8/);
  });
});

describe('contradictions', () => {
  test('are settings that were given and have no effect', () => {
    const given = gather(['organization_uploads_max = 300', 'results_kept_hours = 5']);
    expect(contradictionsIn(given)).toEqual([
      `${path}:1: organization_uploads_max is 300 and has no effect: it must be at most ONHAND_UPLOADS_MAX, which is 200.`,
      `${path}:2: results_kept_hours is 5 and has no effect: it must be at least ONHAND_IDEMPOTENCY_KEPT_HOURS, which is 24.`,
    ]);
  });

  test('are not defaults that another setting overrides', () => {
    expect(contradictionsIn(givenIn({ ONHAND_UPLOADS_MAX: '10' }))).toEqual([]);
    expect(contradictionsIn(givenIn({}))).toEqual([]);
  });
});
