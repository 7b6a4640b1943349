import { Anchor, SimpleGrid, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Fact } from '../frame/fact.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed } from '../states/states.tsx';
import { Attention, itemsAbout } from './attention.tsx';
import { freshnessQuery, skuCount } from './freshness.ts';
import { useOwnAttention } from './own-attention.tsx';
import { Suppliers } from './suppliers.tsx';

/** All suppliers that a retailer sees, and which of them are late. */
export default function SuppliersOverview() {
  const text = useText();
  const formats = useFormats();
  const own = useOwnAttention();
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
  const lateItems = itemsAbout(
    late.map(({ supplier: { uuid, name } }) => (
      <Link key={uuid} to="/skus" search={{ supplier: uuid }}>
        {name}
      </Link>
    )),
    { key: 'late', tone: 'bad', icon: 'clock', title: text.overview.lateTitle(late.length) },
  );
  return (
    <>
      <Attention items={[...lateItems, ...own]} />
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
      <Suppliers />
    </>
  );
}
