/** The suppliers, SKUs and identifiers that all scripts use. */
import type { Product } from '../../src/domain/sku.ts';

export const SUPPLIERS = ['one', 'two', 'three'] as const;

export const SKU_IDS = ['a', 'b', 'c', 'd', 'é', '😀', 'g', 'h'].concat(
  Array.from({ length: 10 }, (_, i) => `S${i}`),
);

/** Written forms of some GTINs. */
export const FORMS: readonly { readonly gtin: number; readonly product: Partial<Product> }[] = [
  { gtin: 12_345_678_905, product: { upca: '012345678905' } },
  { gtin: 12_345_678_905, product: { gtin14: '00012345678905' } },
  { gtin: 96_385_074, product: { ean13: '96385074' } },
  { gtin: 4_006_381_333_931, product: { ean13: '4006381333931' } },
  { gtin: 9_780_306_406_157, product: { isbn: '0306406152' } },
  { gtin: 10_012_345_678_902, product: { gtin14: '10012345678902' } },
];

export const UNKNOWN_GTIN = 9_790_060_115_615;

/** A product with some of these forms, and the GTINs that it has. The later of two forms in one column counts. */
export function productOf(forms: readonly number[]): {
  readonly product: Partial<Product>;
  readonly gtins: ReadonlySet<number>;
} {
  let product: Partial<Product> = { upca: null, ean13: null, gtin14: null, isbn: null };
  for (const form of forms) product = { ...product, ...FORMS[form]?.product };
  const held = FORMS.filter(({ product: form }) =>
    Object.entries(form).every(([column, text]) => Reflect.get(product, column) === text),
  );
  return { product, gtins: new Set(held.map(({ gtin }) => gtin)) };
}
