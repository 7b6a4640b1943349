import { expect, test } from 'vitest';
import { de } from '../../dashboard/src/language/de/messages.ts';
import { en } from '../../dashboard/src/language/en/messages.ts';

/** Where each text of a catalogue is, such as `skus.title`, and the text; functions get `‹1›` and so on. */
function textsOf(catalogue: object, above = ''): readonly (readonly [string, string])[] {
  return Object.entries(catalogue).flatMap(([key, value]: [string, unknown]) => {
    const path = above === '' ? key : `${above}.${key}`;
    if (typeof value === 'object' && value !== null) return textsOf(value, path);
    if (typeof value !== 'function') return [[path, String(value)] as const];
    const parameters = Array.from({ length: value.length }, (_, place) => `‹${place + 1}›`);
    return [[path, String(Reflect.apply(value, undefined, parameters))] as const];
  });
}

/** The parameters that a text shows. */
function shown(text = ''): readonly string[] {
  return [...new Set(text.match(/‹\d›/g))].sort();
}

const english = new Map(textsOf(en));
const german = new Map(textsOf(de));

test('the English and the German catalogue have the same texts', () => {
  expect([...german.keys()].sort()).toEqual([...english.keys()].sort());
});

test('no text of a catalogue is empty', () => {
  expect([...english, ...german].filter(([, text]) => text.trim() === '')).toEqual([]);
});

test('a text shows all its parameters in both languages', () => {
  for (const [path, text] of english)
    expect([path, shown(german.get(path))]).toEqual([path, shown(text)]);
});
