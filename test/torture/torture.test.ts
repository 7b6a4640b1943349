import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generate } from './generate.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { replaced, type Replacement } from './replacement.ts';
import { SCALE } from './scale.ts';
import { shrink } from './shrink.ts';
import { parseScript, type Script } from './steps.ts';
import { SupplierModel } from './supplier-model.ts';

function sourceOf(file: string): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
}

function expectToFit(replacements: readonly Replacement[]): void {
  for (const replacement of replacements) {
    const text = sourceOf(replacement.file);
    expect(replaced(text, replacement)).not.toBe(text);
  }
}

test('each size that is made small occurs once in the sources', () => expectToFit(SCALE));

test.each(PLANTED_BUGS)(
  'the text that the planted bug $name replaces occurs once in the sources',
  ({ replacements }) => expectToFit(replacements),
);

test('planted bugs have unique names', () => {
  const names = PLANTED_BUGS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('a seed always gives the same script, and parsing its JSON returns it unchanged', () => {
  const script = generate(7, 60);
  expect(generate(7, 60)).toEqual(script);
  expect(parseScript(JSON.stringify(script))).toEqual(script);
  expect(generate(8, 60).steps).not.toEqual(script.steps);
});

/** Stands in for a run: a script fails if it has a power cut and a line that sets a stock of 5. */
function fails(tried: Script): Promise<boolean> {
  const text = JSON.stringify(tried.steps);
  return Promise.resolve(text.includes('"do":"cut"') && text.includes('"quantityInStock":5'));
}

test('a failing script is reduced to the steps and lines that make it fail', async () => {
  const script = generate(11, 60);
  expect(await fails(script)).toBe(true);
  const { steps } = await shrink(script, fails, () => false);
  expect(await fails({ ...script, steps })).toBe(true);
  expect(steps).toHaveLength(2);
  expect(JSON.stringify(steps).length).toBeLessThan(400);
});

test('the model applies requests with the same idempotency key once, until the key expires', () => {
  const model = new SupplierModel();
  const key = { name: 'k', body: 'b', validMs: 10 };
  model.applyEntries(
    {
      do: 'import',
      supplier: 0,
      existing: 'update',
      entries: [{ skuId: 'a', forms: [], inventory: { quantityInStock: 1 } }],
    },
    0,
  );
  const call = {
    do: 'lines',
    supplier: 0,
    lines: [{ skuId: 'a', gtins: [], fields: {}, stockChange: 1 }],
    key,
  } as const;
  expect(model.applyLines(call, 0)).toMatchObject({ number: 2, isRepeat: false });
  expect(model.applyLines(call, 9)).toMatchObject({ number: 2, isRepeat: true });
  expect(model.applyLines({ ...call, lines: [] }, 9)).toEqual({
    refused: 'idempotency_key_reused',
  });
  expect(model.applyLines(call, 10)).toMatchObject({ number: 3, isRepeat: false });
  expect(model.lines.skus.get('a')?.inventory.quantityInStock).toBe(3);
});

test('the model refuses a snapshot that exceeds the safety limit, and changes nothing', () => {
  const model = new SupplierModel();
  const entries = ['a', 'b'].map((skuId) => ({
    skuId,
    forms: [],
    inventory: { quantityInStock: 1 },
  }));
  model.applyEntries({ do: 'import', supplier: 0, existing: 'update', entries }, 0);
  const snapshot = { percentMax: 20, skusMin: 1 };
  const call = { do: 'lines', supplier: 0, lines: [], snapshot } as const;
  expect(model.applyLines(call, 0)).toEqual({ refused: 'breaker_tripped' });
  expect(model.lines.skus.get('a')?.inventory.quantityInStock).toBe(1);
  expect(model.applyLines({ ...call, confirmed: true }, 0)).toMatchObject({ zeroedCount: 2 });
});
