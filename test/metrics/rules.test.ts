import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { definitionOf, METRIC_NAMES } from '../../src/metrics/definitions.ts';
import { sectionOf, sectionsOf, tableRowsOf } from '../house/markdown.ts';
import { ROOT } from '../house/sources.ts';

const FOLDER = join(ROOT, 'deploy', 'prometheus');
const RULES = readFileSync(join(FOLDER, 'onhand.rules.yml'), 'utf8');
const UNIT_TESTS = readFileSync(join(FOLDER, 'onhand.rules.test.yml'), 'utf8');
const PAGE = readFileSync(join(ROOT, 'docs', 'alerts.md'), 'utf8');

const alerts = [
  ...RULES.matchAll(/- alert: (\w+)\n\s+expr: >-\n\s+(.+)\n(?:\s+for: (\w+)\n)?/g),
].map(([, name = '', expression = '', after]) => ({ name, expression, after }));
const names = alerts.map(({ name }) => name);

/** What a scrape has, with the series of histograms and the labels that Prometheus adds. */
const labelsBySeries = new Map<string, readonly string[]>([['up', ['job', 'instance']]]);
for (const name of METRIC_NAMES) {
  const { type, labels = {} } = definitionOf(name);
  const known = [...Object.keys(labels), 'job', 'instance'];
  const series =
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name];
  for (const one of series)
    labelsBySeries.set(one, one.endsWith('_bucket') ? [...known, 'le'] : known);
}

/** The metrics that an expression names, with the labels by which it selects. */
function selectorsOf(expression: string): readonly { name: string; labels: readonly string[] }[] {
  const texts = /"[^"]*"/g;
  return [
    ...expression
      .replaceAll(texts, '""')
      .replaceAll(/\b(?:by|without|on|group_left) \([^)]*\)/g, '')
      .matchAll(/\b(up|(?:onhand|http|nodejs|process)_\w+)(?:\{([^}]*)\})?/g),
  ].map(([, name = '', labels = '']) => ({
    name,
    labels: [...labels.matchAll(/(\w+)(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
  }));
}

/** What an expression names that no scrape has. */
function unknownIn(expression: string): readonly string[] {
  return selectorsOf(expression).flatMap(({ name, labels }) => {
    const known = labelsBySeries.get(name);
    if (known === undefined) return [name];
    return labels.filter((label) => !known.includes(label)).map((label) => `${name}{${label}}`);
  });
}

test('the check of expressions finds metrics and labels that do not exist', () => {
  expect(unknownIn('rate(onhand_nothing[5m]) > onhand_queue_lines{colour="red"}')).toEqual([
    'onhand_nothing',
    'onhand_queue_lines{colour}',
  ]);
});

describe('alert rules', () => {
  test('every rule names metrics and labels that a scrape has', () => {
    expect(alerts).toHaveLength(RULES.match(/- alert:/g)?.length ?? 0);
    for (const { name, expression } of alerts) {
      expect(selectorsOf(expression), name).not.toEqual([]);
      expect(unknownIn(expression), name).toEqual([]);
    }
  });

  test('every rule has a unit test', () => {
    const tested = [...UNIT_TESTS.matchAll(/alertname="(\w+)"/g)].map(([, name = '']) => name);
    expect([...new Set(tested)].toSorted()).toEqual(names.toSorted());
  });

  test('docs/alerts.md has a row and a section for every rule, with its severity and time', () => {
    const rows = tableRowsOf(sectionOf(PAGE, 'Alerts')).map(([name = '', severity, after]) => ({
      name: /\[(\w+)\]/.exec(name)?.[1],
      severity,
      after,
    }));
    const severities = [...RULES.matchAll(/severity: (\w+)/g)].map(([, severity]) => severity);
    const expected = alerts.map(({ name, after }, i) => ({
      name,
      severity: severities[i],
      after: after?.replace(/m$/, ' min') ?? 'at once',
    }));
    expect(rows).toEqual(expected);
    const sections = sectionsOf(PAGE).filter(({ level }) => level === 2);
    expect(sections.map(({ heading }) => heading)).toEqual(names);
    for (const { heading, text } of sections) expect(text, heading).toContain('**Do:**');
    const runbooks = [...RULES.matchAll(/runbook: docs\/alerts\.md#(\w+)/g)].map(
      ([, anchor]) => anchor,
    );
    expect(runbooks).toEqual(sections.map(({ anchor }) => anchor));
  });

  const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
  test.skipIf(!hasPromtool)(
    "promtool accepts the rules, and their unit tests pass (skipped where Debian's package prometheus is not installed)",
    () => {
      const tested = spawnSync('promtool', ['test', 'rules', 'onhand.rules.test.yml'], {
        cwd: FOLDER,
        encoding: 'utf8',
      });
      expect(tested.status, tested.stdout + tested.stderr).toBe(0);
    },
  );
});

const DashboardSchema = Type.Object({
  title: Type.Literal('onhand'),
  uid: Type.String(),
  schemaVersion: Type.Integer({ minimum: 36 }),
  templating: Type.Object({ list: Type.Array(Type.Object({ name: Type.String() })) }),
  panels: Type.Array(
    Type.Object({
      id: Type.Integer(),
      type: Type.Union([Type.Literal('row'), Type.Literal('timeseries'), Type.Literal('stat')]),
      title: Type.String({ minLength: 1 }),
      description: Type.Optional(Type.String({ minLength: 1 })),
      gridPos: Type.Object({
        x: Type.Integer(),
        y: Type.Integer(),
        w: Type.Integer(),
        h: Type.Integer(),
      }),
      targets: Type.Optional(
        Type.Array(
          Type.Object({
            refId: Type.String(),
            expr: Type.String(),
            datasource: Type.Object({
              type: Type.Literal('prometheus'),
              uid: Type.Literal('${datasource}'),
            }),
          }),
        ),
      ),
    }),
  ),
});

describe('Grafana dashboard', () => {
  const parsed: unknown = JSON.parse(
    readFileSync(join(ROOT, 'deploy', 'grafana', 'onhand.json'), 'utf8'),
  );
  const dashboard: Static<typeof DashboardSchema> = Compile(DashboardSchema).Parse(parsed);
  const targets = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title, expr })),
  );

  test('every panel names metrics and labels that a scrape has', () => {
    for (const { title, expr } of targets) {
      expect(selectorsOf(expr), title).not.toEqual([]);
      expect(unknownIn(expr), title).toEqual([]);
    }
  });

  test('every panel says what it shows', () => {
    const silent = dashboard.panels.filter(
      ({ type, description }) => type !== 'row' && description === undefined,
    );
    expect(silent.map(({ title }) => title)).toEqual([]);
  });

  test('every metric is on the dashboard, apart from those of the build', () => {
    const shown = new Set(targets.flatMap(({ expr }) => selectorsOf(expr).map(({ name }) => name)));
    const missing = METRIC_NAMES.filter(
      (name) => ![name, `${name}_bucket`, `${name}_count`].some((series) => shown.has(series)),
    );
    expect(missing).toEqual([]);
  });

  test('panels have ids of their own and do not overlap', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});
