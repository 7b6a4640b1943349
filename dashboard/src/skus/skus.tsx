import { Button } from '@mantine/core';
import { useLocalStorage, useMediaQuery } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useSession } from '../api/session.ts';
import { Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, LoadingRows, Nothing } from '../states/states.tsx';
import { type ColumnName, COLUMNS } from './columns.tsx';
import { useStockEdits } from './edits.ts';
import { Export } from './export.tsx';
import { ColumnChoice, Filters } from './filters.tsx';
import { useSkuRows } from './rows.ts';
import { skuSearchOf } from './search.ts';
import { SkuGrid } from './sku-grid.tsx';
import classes from './skus.module.css';

const route = getRouteApi('/skus');

/** The SKU list: find, filter, choose columns, edit stock. */
export function Skus() {
  const text = useText();
  const formats = useFormats();
  const { organization, permissions } = useSession();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const isPhone = useMediaQuery('(max-width: 48em)') ?? false;
  const skus = useSkuRows(search);
  const edits = useStockEdits();
  const mayEdit = organization.type !== 'retailer' && permissions.includes('edit_items');

  const offered = useMemo(
    () => COLUMNS.filter(({ types }) => types?.includes(organization.type) ?? true),
    [organization.type],
  );
  const [chosen, choose] = useLocalStorage<readonly ColumnName[]>({
    key: 'onhand-sku-columns',
    defaultValue: COLUMNS.filter(({ isDefault = false }) => isDefault).map(({ name }) => name),
    getInitialValueInEffect: false,
  });
  const columns = useMemo(
    () =>
      offered.filter(({ name, isEssential = false }) =>
        isPhone ? isEssential : chosen.includes(name),
      ),
    [offered, isPhone, chosen],
  );

  const { totalCount } = skus;
  const isFiltered = Object.keys(search).some((name) => name !== 'sort' && name !== 'order');

  return (
    <Screen
      isFilling
      title={text.skus.title}
      subtitle={
        totalCount === undefined
          ? '\u00a0'
          : text.skus.found(formats.number(totalCount), formats.isOne(totalCount))
      }
    >
      <div className={classes['bar']}>
        <Filters
          search={search}
          hasSuppliers={organization.type !== 'supplier'}
          onChange={(change) => {
            const { updated, ...rest } = change;
            const hours = 'updated' in change ? { updated: Number(updated) } : {};
            void navigate({
              search: (before) => skuSearchOf({ ...before, ...rest, ...hours }),
              replace: true,
            });
          }}
        />
        <div className={classes['choices']}>
          {isPhone ? null : <ColumnChoice columns={offered} chosen={chosen} onChoose={choose} />}
          <Export search={search} columns={columns} />
        </div>
      </div>
      {skus.error === null ? null : <Failed error={skus.error} onRetry={skus.retry} />}
      {skus.isPending && skus.error === null ? <LoadingRows rows={12} /> : null}
      {totalCount === 0 ? (
        <Nothing
          title={isFiltered ? text.skus.noneMatch : text.skus.none}
          action={
            isFiltered ? (
              <Button variant="default" onClick={() => void navigate({ search: {} })}>
                {text.skus.clearFilters}
              </Button>
            ) : undefined
          }
        >
          {isFiltered ? text.skus.noneMatchHint : text.skus.noneHint}
        </Nothing>
      ) : null}
      {skus.count === 0 ? null : (
        <SkuGrid
          // Another list begins at its top.
          key={JSON.stringify(search)}
          skus={skus}
          columns={columns}
          isPhone={isPhone}
          edits={mayEdit ? edits : undefined}
          sorting={{
            sort: search.sort,
            order: search.order,
            onSort: (sort, order) =>
              void navigate({
                search: (before) => skuSearchOf({ ...before, sort, order }),
                replace: true,
              }),
          }}
        />
      )}
    </Screen>
  );
}
