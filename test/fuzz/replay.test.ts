import { afterAll, expect, test } from 'vitest';
import { parseInput, printInput, readCorpus } from './corpus.ts';
import { failureOf } from './fuzzer.ts';
import { mutate } from './mutation.ts';
import { expectSame, type Target } from './target.ts';
import { TARGET_NAMES, targetNamed } from './targets.ts';
import { Random } from '../random.ts';

/** How many saved inputs of a target are replayed; `npm run fuzz` reads all of them. */
const REPLAYED_MAX = 20;
/** Not `http`: it starts a whole server, has no saved inputs, and the tests of `test/http` send requests like its seeds. */
const REPLAYED = TARGET_NAMES.filter((name) => name !== 'http');

const opened: Target[] = [];

afterAll(async () => {
  for (const target of opened) await target.close?.();
});

/** Inputs at equal distances, from the shortest to the longest. */
function someOf(inputs: readonly Buffer[]): readonly Buffer[] {
  const step = Math.max(1, inputs.length / REPLAYED_MAX);
  return Array.from({ length: Math.min(inputs.length, REPLAYED_MAX) }, (_, i) => i * step).flatMap(
    (at) => inputs[Math.floor(at)] ?? [],
  );
}

test.for(REPLAYED)('the saved inputs of the fuzz target %s keep its promises', async (name) => {
  const target = await targetNamed(name);
  opened.push(target);
  const inputs = [...target.seeds.map((seed) => Buffer.from(seed)), ...someOf(readCorpus(name))];
  expect(inputs.length).toBeGreaterThan(1);
  for (const input of inputs)
    expect(await failureOf(target, input), printInput(input)).toBeUndefined();
});

test('an input for which a reader breaks a promise is reported', async () => {
  const target: Target = {
    name: 'faulty',
    tokens: ['x'],
    seeds: [],
    run: (bytes) => expectSame('it depends on x', bytes.includes('x'), false),
  };
  expect(await failureOf(target, Buffer.from('a'))).toBeUndefined();
  expect(await failureOf(target, Buffer.from('ax'))).toContain('it depends on x');
});

function mutants(seed: number): readonly string[] {
  const random = new Random(seed);
  const pool = { tokens: ['sku_id', ','], inputs: [Buffer.from('a,b\n1,2'), Buffer.from('é')] };
  return Array.from({ length: 200 }, () =>
    printInput(mutate(random.pick(pool.inputs), random, pool)),
  );
}

test('a seed always gives the same mutations, and printed inputs are parsed to the same bytes', () => {
  expect(mutants(1)).toEqual(mutants(1));
  expect(mutants(1)).not.toEqual(mutants(2));
  for (const mutant of mutants(3)) expect(printInput(parseInput(mutant))).toBe(mutant);
});
