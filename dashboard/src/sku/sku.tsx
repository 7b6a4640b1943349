import { Anchor, SimpleGrid } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import type { HistoryEntry, Sku as SkuRecord } from '../../../client/src/index.ts';
import { Ago } from '../format/time.tsx';
import { Fact } from '../frame/fact.tsx';
import { Panel, Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { CellContent, Quantity, Restriction } from '../skus/columns.tsx';
import { Failed, Loading } from '../states/states.tsx';
import { AsOf } from './as-of.tsx';
import { HistoryTable } from './history-table.tsx';
import { historyQuery, skuQuery } from './queries.ts';
import classes from './sku.module.css';

const StockChart = lazy(async () => import('./stock-chart.tsx'));

const route = getRouteApi('/skus/$uuid');

/** One SKU: what it is, what is in stock, and how that came about. */
export function Sku() {
  const text = useText();
  const { uuid } = route.useParams();
  const { data: sku, error, refetch } = useQuery(skuQuery(uuid));
  const back = (
    <Anchor component={Link} to="/skus" size="sm">
      ← {text.skus.title}
    </Anchor>
  );
  if (sku === undefined) {
    return (
      <Screen title={text.sku.title} above={back}>
        {error === null ? <Loading /> : <Failed error={error} onRetry={() => void refetch()} />}
      </Screen>
    );
  }
  return (
    <Screen
      above={back}
      title={sku.title ?? sku.sku_id}
      subtitle={
        <>
          <span className="mono">{sku.sku_id}</span> · {sku.supplier.name}
        </>
      }
    >
      <Facts sku={sku} />
      <div className={classes['columns']}>
        <div className={classes['wide']}>
          <Stock sku={sku} />
        </div>
        <div className={classes['narrow']}>
          <AsOf uuid={uuid} now={sku} />
          <Identifiers sku={sku} />
        </div>
      </div>
    </Screen>
  );
}

/** The inventory in large figures. */
function Facts({ sku }: { readonly sku: SkuRecord }) {
  const text = useText();
  const formats = useFormats();
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      <Fact name={text.skus.columns.stock}>
        <Quantity value={sku.quantity_in_stock} isStock />
      </Fact>
      <Fact
        name={text.skus.columns.backorder}
        hint={
          sku.backorder_date === null
            ? undefined
            : text.sku.expectedOn(formats.day(sku.backorder_date))
        }
      >
        <Quantity value={sku.quantity_on_backorder} />
      </Fact>
      <Fact name={text.skus.columns.restriction}>
        {sku.restrictions === null ? (
          <span className="muted">–</span>
        ) : (
          <Restriction value={sku.restrictions} />
        )}
      </Fact>
      <Fact name={text.skus.columns.updated}>
        <Ago time={sku.last_updated} />
      </Fact>
    </SimpleGrid>
  );
}

/** The chart and the table of the same history. */
function Stock({ sku }: { readonly sku: SkuRecord }) {
  const text = useText();
  const history = useInfiniteQuery(historyQuery(sku.uuid));
  const entries: readonly HistoryEntry[] =
    history.data?.pages.flatMap((page) => page.history) ?? [];
  if (history.error !== null) {
    return <Failed error={history.error} onRetry={() => void history.refetch()} />;
  }
  return (
    <>
      <Panel title={text.sku.chart}>
        <Suspense fallback={<Loading />}>
          {history.isPending ? <Loading /> : <StockChart sku={sku} entries={entries} />}
        </Suspense>
      </Panel>
      <Panel title={text.sku.history} isFlush>
        {history.isPending ? (
          <Loading />
        ) : (
          <HistoryTable
            entries={entries}
            onMore={history.hasNextPage ? () => void history.fetchNextPage() : undefined}
            isReading={history.isFetchingNextPage}
          />
        )}
      </Panel>
    </>
  );
}

/** Every identifier that the SKU has, and what else is known of it. */
function Identifiers({ sku }: { readonly sku: SkuRecord }) {
  const text = useText();
  const { upca, ean13, gtin14, isbn, asin, mpn } = sku.product_identifiers;
  const rows: readonly (readonly [string, string | null])[] = [
    ['sku_id', sku.sku_id],
    ['UPC-A', upca],
    ['EAN-13', ean13],
    ['GTIN-14', gtin14],
    ['ISBN', isbn],
    ['ASIN', asin],
    [text.skus.columns.mpn, mpn],
  ];
  return (
    <Panel title={text.sku.identifiers}>
      <dl className="facts">
        {rows
          .filter(([, value]) => value !== null)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="mono">{value}</dd>
            </div>
          ))}
        {sku.condition === null ? null : (
          <div>
            <dt>{text.skus.columns.condition}</dt>
            <dd>
              <CellContent sku={sku} name="condition" />
            </dd>
          </div>
        )}
        {sku.number_of_units_bundled === null ? null : (
          <div>
            <dt>{text.sku.bundled}</dt>
            <dd>{sku.number_of_units_bundled}</dd>
          </div>
        )}
        <div>
          <dt>{text.sku.created}</dt>
          <dd>
            <Ago time={sku.created} />
          </dd>
        </div>
      </dl>
    </Panel>
  );
}
