import { Alert, Anchor, SimpleGrid, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Fact } from '../frame/fact.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, Nothing } from '../states/states.tsx';
import { freshnessQuery, skuCount } from './freshness.ts';
import { FreshnessTable } from './freshness-table.tsx';

/** All suppliers that the reader sees, and which of them are late. */
export function SuppliersOverview() {
  const text = useText();
  const formats = useFormats();
  const { data: suppliers, error, refetch } = useQuery(freshnessQuery);
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (suppliers === undefined) {
    return (
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        {['suppliers', 'late', 'silent', 'skus'].map((name) => (
          <Skeleton key={name} height={82} radius="lg" />
        ))}
      </SimpleGrid>
    );
  }
  const late = suppliers.filter(({ is_late: isLate }) => isLate === true);
  const silent = suppliers.filter(({ last_heard: time }) => time === null);
  const skus = suppliers.reduce((sum, supplier) => sum + skuCount(supplier), 0);
  return (
    <>
      {late.length === 0 ? null : (
        <Alert
          color="red"
          icon={<Icon name="clock" />}
          title={text.overview.lateTitle(late.length)}
        >
          {late
            .slice(0, 5)
            .map(({ supplier }) => supplier.name)
            .join(', ')}
          {late.length > 5 ? ' …' : ''}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        <Fact name={text.overview.freshness}>{formats.number(suppliers.length)}</Fact>
        <Fact name={text.overview.late} tone={late.length > 0 ? 'bad' : undefined}>
          {formats.number(late.length)}
        </Fact>
        <Fact name={text.overview.silent} tone={silent.length > 0 ? 'warn' : undefined}>
          {formats.number(silent.length)}
        </Fact>
        <Fact
          name={text.overview.skus}
          hint={
            <Anchor component={Link} to="/skus" fz="inherit">
              {text.overview.showSkus}
            </Anchor>
          }
        >
          {formats.number(skus)}
        </Fact>
      </SimpleGrid>
      <Panel title={text.overview.freshness} isFlush>
        {suppliers.length === 0 ? (
          <Nothing title={text.overview.noSuppliers} />
        ) : (
          <FreshnessTable suppliers={suppliers} />
        )}
      </Panel>
    </>
  );
}
