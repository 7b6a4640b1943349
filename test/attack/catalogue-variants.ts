import {
  ask,
  BULK,
  bulkOf,
  CHANGES,
  headOf,
  holdOpen,
  many,
  nextQuantity,
  scaled,
  SKUS,
  type Attack,
} from './attack-tools.ts';

/** Requests that make the server read or write each SKU of a large catalogue. */
export const CATALOGUE_VARIANTS: readonly Attack[] = [
  {
    name: 'searches that find each SKU, and those that find none',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(200, share), 50, (i) => {
        const query = [
          'search=sku',
          'search=s',
          'search=zzz',
          'title=t',
          'search=sku&sort=-quantity_in_stock',
          'sort=-updated_at',
          'quantity_in_stock_min=1000000',
          `search=sku&start=${i * 1000}`,
        ][i % 8];
        return ask(url, 'GET', `${SKUS}?${query}&limit=25`, { token });
      }),
  },
  {
    name: 'snapshots that set each SKU to zero',
    run: ({ url, share, supplier }) =>
      many(scaled(6, share), 2, async () => {
        const { length } = supplier.skuIds;
        await ask(url, 'POST', `${BULK}?errors_only=true`, {
          token: supplier.token,
          body: bulkOf(Math.min(length, 200_000), length, nextQuantity()),
        });
        const zeroing = {
          token: supplier.token,
          body: JSON.stringify([{ sku_id: 'sku-1', quantity_in_stock: 1 }]),
        };
        const { text } = await ask(url, 'POST', `${BULK}?mode=snapshot`, zeroing);
        const code = /"confirmation_code":"([^"]+)"/.exec(text)?.[1];
        if (code === undefined) return;
        await ask(url, 'POST', `${BULK}?mode=snapshot`, {
          ...zeroing,
          headers: { 'confirmation-code': code },
        });
      }),
  },
  {
    name: 'dry runs of snapshots',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(40, share), 20, () =>
        ask(url, 'POST', `${BULK}?mode=snapshot&dry_run=true`, {
          token,
          body: JSON.stringify([{ sku_id: 'sku-1', quantity_in_stock: 1 }]),
        }),
      ),
  },
  {
    name: 'exports that are not read',
    run: async ({ share, supplier: { token }, ...attacker }) => {
      for (const kind of ['csv', 'xlsx']) {
        await holdOpen(
          attacker,
          scaled(1000, share),
          headOf('GET', `${SKUS}export.${kind}`, [`Authorization: Token ${token}`]),
        );
      }
    },
  },
  {
    name: 'exports that are aborted',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(400, share), 40, async (i) => {
        const response = await fetch(
          `${url}${SKUS}export.${i % 2 === 0 ? 'csv' : 'xlsx'}?sort=-quantity_in_stock`,
          {
            headers: { authorization: `Token ${token}` },
          },
        );
        await response.body?.cancel();
      }),
  },
  {
    name: 'pages of changes from the start',
    run: ({ url, share, supplier: { token } }) =>
      many(scaled(400, share), 50, () =>
        ask(url, 'GET', `${CHANGES}?from=start&limit=10000`, { token }),
      ),
  },
];
