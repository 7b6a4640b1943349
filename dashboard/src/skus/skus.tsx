import { Button } from '@mantine/core';
import { useLocalStorage, useMediaQuery } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { useSession } from '../api/session.ts';
import { Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, LoadingRows, Nothing } from '../states/states.tsx';
import { type ColumnName, COLUMNS } from './columns.tsx';
import { useStockEdits } from './edits.ts';
import { ColumnChoice, Filters } from './filters.tsx';
import { skuSearchOf, skusQuery } from './search.ts';
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
  const list = useInfiniteQuery(skusQuery(search));
  const edits = useStockEdits();
  const mayEdit = organization.type === 'supplier' && permissions.includes('edit_items');

  const offered = COLUMNS.filter(({ types }) => types?.includes(organization.type) ?? true);
  const [chosen, choose] = useLocalStorage<readonly ColumnName[]>({
    key: 'onhand-sku-columns',
    defaultValue: COLUMNS.filter(({ isDefault = false }) => isDefault).map(({ name }) => name),
    getInitialValueInEffect: false,
  });
  const columns = offered.filter(({ name, isEssential = false }) =>
    isPhone ? isEssential : chosen.includes(name),
  );

  const skus = useMemo(() => list.data?.pages.flatMap((page) => page.skus) ?? [], [list.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage, isFetchNextPageError } = list;
  const readOn = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const totalCount = list.data?.pages[0]?.pagination.total_count;
  const isFiltered = Object.keys(search).length > 0;

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
        {isPhone ? null : <ColumnChoice columns={offered} chosen={chosen} onChoose={choose} />}
      </div>
      {list.error === null ? null : (
        <Failed
          error={list.error}
          onRetry={() => void (list.data === undefined ? list.refetch() : fetchNextPage())}
        />
      )}
      {list.isPending ? <LoadingRows rows={12} /> : null}
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
      {skus.length === 0 ? null : (
        <SkuGrid
          skus={skus}
          totalCount={totalCount ?? skus.length}
          columns={columns}
          isPhone={isPhone}
          edits={mayEdit ? edits : undefined}
          onEnd={readOn}
        />
      )}
    </Screen>
  );
}
