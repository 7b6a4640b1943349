import {
  NO_RULES,
  parseRule,
  printRules,
  RULE_NAMES,
  type ReadingRules,
} from '../../../src/domain/reading-rules.ts';
import { gatherSettings } from '../../../src/settings/sources.ts';
import { readConfigurationFile } from '../../../src/settings/toml-file.ts';
import { parseFileMapping } from '../../../src/wire/file-jobs.ts';
import {
  parseFileRules,
  parseFileSettings,
  printFileSettings,
} from '../../../src/wire/file-settings.ts';
import { checkMessage, expectSame, expectThat, outcomeOf, type Target } from '../target.ts';
import { FileOnDisk } from './reading.ts';

/** Reading rules: as texts (`mapping`, `locations`, …), and as members of JSON. */
export const rules: Target = {
  name: 'rules',
  tokens: [
    '=',
    ',',
    '"',
    '""',
    ' ',
    'sku_id',
    'quantity_in_stock',
    'ignore',
    'Lagerbestand',
    'in stock=10',
    '10+=10',
    'sum',
    'last',
    'comma',
    'day_first',
    'true',
    'null',
    '{',
    '}',
    ':',
    '"columns":{"a":"sku_id"}',
    '"words":{"x":1}',
    '"kind":"inventory"',
    '"strict":true',
    '"locations":null',
    '2147483648',
    'İ',
    'ﬁ',
  ],
  seeds: [
    'Lagerbestand=quantity_in_stock,"a,""b"=ignore',
    'in stock=10, 10+=10,"x,y"=0',
    'sum',
    '{"columns":{"Lagerbestand":"quantity_in_stock"},"words":{"in stock":10},"locations":"sum","strict":true,"decimal":null}',
  ],
  run: (bytes) => {
    const text = bytes.toString();
    for (const name of RULE_NAMES) {
      const parsed = outcomeOf(() => parseRule(name, text));
      if (!('value' in parsed)) continue;
      const all: ReadingRules = { ...NO_RULES, ...parsed.value };
      const printed = printRules(all)[name];
      const again = printed === undefined ? {} : parseRule(name, printed);
      expectSame('a printed rule is read otherwise', { ...NO_RULES, ...again }, all);
    }
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return;
    }
    const parsed = outcomeOf(() => parseFileSettings(body, NO_RULES));
    if ('value' in parsed)
      expectSame(
        'printed settings are read otherwise',
        parseFileSettings(JSON.parse(printFileSettings(parsed.value)), NO_RULES),
        parsed.value,
      );
    outcomeOf(() => parseFileRules(body, NO_RULES));
    outcomeOf(() => parseFileMapping(body));
  },
};

const disk = new FileOnDisk();

/** The configuration file. */
export const settings: Target = {
  name: 'settings',
  tokens: [
    '=',
    '\n',
    '"',
    "'",
    '"""',
    "'''",
    '[',
    ']',
    '[[',
    ']]',
    '.',
    '#',
    '\\',
    '\\u0041',
    'lines_max',
    'port',
    'database',
    'trust_proxy',
    'log_level',
    'metrics_token',
    ' = 8080\n',
    ' = true\n',
    ' = "info"\n',
    '1979-05-27T07:32:00Z',
    '0x1f',
    '1e9',
    'inf',
    '-0',
    '{a = 1}',
    '__proto__',
    'constructor',
  ],
  seeds: [
    'lines_max = 500000\nlog_level = "info"\n# x\nsession_cookie_secure = true\n',
    '[lines_max]\na = 1\n',
    'x = """\nlines_max = 1\n"""\nport = 8080\n',
    'database = \'sqlite:x\'\nlines_max = 1.5\n"port" = "x"\n',
  ],
  run: (bytes) => {
    disk.write(bytes);
    const file = outcomeOf(() => readConfigurationFile(disk.path));
    if (!('value' in file)) return;
    const lines = bytes.toString().split('\n').length;
    for (const [key] of file.value.entries) {
      const line = file.value.lineOf(key);
      expectThat(line >= 1 && line <= lines, 'a line that the file lacks', { key, line });
    }
    const gathered = gatherSettings({}, file.value);
    for (const problem of gathered.problems) checkMessage(problem);
    expectThat(
      gathered.misgiven.length + Object.keys(gathered.values).length >=
        countGiven(file.value.entries),
      'a key is neither used nor refused',
      file.value.entries,
    );
    outcomeOf(() => gathered.refuseMisgiven());
  },
  close: () => {
    disk.remove();
    return Promise.resolve();
  },
};

/** Keys with a value; an empty text counts as not given. */
function countGiven(entries: readonly (readonly [string, unknown])[]): number {
  return entries.filter(([, value]) => value !== '').length;
}
