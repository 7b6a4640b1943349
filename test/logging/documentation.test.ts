import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ENTRY_FIELDS, EVENT_FIELDS, eventOf, LISTENING } from '../../src/logging/events.ts';
import { codesIn, sectionOf, tableRowsOf } from '../house/markdown.ts';
import { ROOT } from '../house/sources.ts';
import { EVENT_NAMES } from './schema.ts';

const page = readFileSync(join(ROOT, 'docs', 'logs.md'), 'utf8');

test('docs/logs.md describes every field that the code declares, and no other', () => {
  const rows = tableRowsOf(sectionOf(page, 'Fields'));
  const declared = Object.entries({ ...ENTRY_FIELDS, ...EVENT_FIELDS });
  expect(rows).toEqual(declared.map(([name, { type, meaning }]) => [`\`${name}\``, type, meaning]));
});

test('docs/logs.md describes every event that the code declares, and no other', () => {
  const rows = tableRowsOf(sectionOf(page, 'Events')).map(([name, level, when, fields = '']) => ({
    name,
    level,
    when,
    fields: codesIn(fields),
  }));
  const declared = EVENT_NAMES.map((name) => {
    const { level, when, fields, optional = [], ofRequest } = eventOf(name);
    const own = [...fields, ...optional];
    return {
      name: `\`${name}\``,
      level,
      when,
      fields: ofRequest === true ? ['request_id', ...own] : own,
    };
  });
  expect(rows).toEqual(declared);
  expect(page).toContain(LISTENING.trim());
});
