import { Button, Menu } from '@mantine/core';
import type { operations } from '../../../client/src/index.ts';
import { Icon } from '../frame/icons.tsx';
import { useText } from '../language/language.tsx';
import type { Column, ColumnName } from './columns.tsx';
import { skuQueryOf } from './queries.ts';
import type { SkuSearch } from './search.ts';

type ExportedColumn = NonNullable<
  NonNullable<operations['exportSkus']['parameters']['query']>['columns']
>[number];

/** The names of the columns in the API. */
const EXPORTED: Readonly<Record<ColumnName, ExportedColumn>> = {
  sku: 'sku_id',
  title: 'title',
  supplier: 'supplier',
  gtin: 'gtin',
  stock: 'quantity_in_stock',
  backorder: 'quantity_on_backorder',
  backorderDate: 'backorder_date',
  restriction: 'restrictions',
  condition: 'condition',
  mpn: 'mpn',
  asin: 'asin',
  updated: 'last_updated',
};

/** Downloads what the list shows: all its SKUs, in its order, with its columns. */
export function Export({
  search,
  columns,
}: {
  readonly search: SkuSearch;
  readonly columns: readonly Column[];
}) {
  const text = useText();
  const linkAs = (format: 'csv' | 'xlsx'): string => {
    const names: readonly ColumnName[] = ['sku', 'title', ...columns.map(({ name }) => name)];
    const query = Object.entries({
      ...skuQueryOf(search),
      columns: names.map((name) => EXPORTED[name]),
    });
    const parameters = new URLSearchParams(query.map(([name, value]) => [name, String(value)]));
    return `/timp/products/skus/export.${format}?${parameters.toString()}`;
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<Icon name="download" size={14} />}>
          {text.skus.export}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" href={linkAs('csv')} download>
          {text.skus.exportCsv}
        </Menu.Item>
        <Menu.Item component="a" href={linkAs('xlsx')} download>
          {text.skus.exportXlsx}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
