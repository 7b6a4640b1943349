import { Badge, Table } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Ago } from '../format/time.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { confirmedWithin, skuCount, type SupplierFreshness } from './freshness.ts';
import classes from './overview.module.css';

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;
const WEEK_SECONDS = 7 * DAY_SECONDS;

/** When each supplier last reported, and how old the stock of its SKUs is. */
export function FreshnessTable({
  suppliers,
}: {
  readonly suppliers: readonly SupplierFreshness[];
}) {
  const text = useText();
  const formats = useFormats();
  return (
    <Table.ScrollContainer type="native" minWidth={320}>
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text.overview.supplier}</Table.Th>
            <Table.Th>{text.overview.state}</Table.Th>
            <Table.Th>{text.overview.lastHeard}</Table.Th>
            <Table.Th visibleFrom="sm">{text.overview.expected}</Table.Th>
            <Table.Th className="number">{text.overview.skus}</Table.Th>
            <Table.Th visibleFrom="sm">{text.overview.ages}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {suppliers.map((entry) => (
            <Table.Tr key={entry.supplier.uuid}>
              <Table.Td>
                <Link
                  to="/skus"
                  search={{ supplier: entry.supplier.uuid }}
                  className={classes['link'] ?? ''}
                >
                  {entry.supplier.name}
                </Link>
              </Table.Td>
              <Table.Td>
                <State entry={entry} />
              </Table.Td>
              <Table.Td>
                {entry.last_heard === null ? text.overview.never : <Ago time={entry.last_heard} />}
              </Table.Td>
              <Table.Td visibleFrom="sm">
                {entry.expected_interval_minutes === null ? (
                  <span className="muted">–</span>
                ) : (
                  text.overview.every(formats.minutes(entry.expected_interval_minutes))
                )}
              </Table.Td>
              <Table.Td className="number">{formats.number(skuCount(entry))}</Table.Td>
              <Table.Td visibleFrom="sm">
                <Ages entry={entry} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function State({ entry }: { readonly entry: SupplierFreshness }) {
  const text = useText();
  if (entry.is_late === true) return <Badge className="badge-bad">{text.overview.late}</Badge>;
  if (entry.last_heard === null) {
    return <Badge className="badge-warn">{text.overview.silent}</Badge>;
  }
  return <Badge className="badge-good">{text.overview.onTime}</Badge>;
}

/** A bar of the SKUs by the age of their last report: an hour, a day, a week, older. */
function Ages({ entry }: { readonly entry: SupplierFreshness }) {
  const text = useText();
  const formats = useFormats();
  const count = skuCount(entry);
  if (count === 0) return <span className="muted">–</span>;
  const [hour, day, week] = [HOUR_SECONDS, DAY_SECONDS, WEEK_SECONDS].map((seconds) =>
    confirmedWithin(entry, seconds),
  );
  const parts = [
    ['hour', hour ?? 0],
    ['day', (day ?? 0) - (hour ?? 0)],
    ['week', (week ?? 0) - (day ?? 0)],
    ['older', count - (week ?? 0)],
  ] as const;
  const shown = parts.filter(([, skus]) => skus > 0);
  const label = shown
    .map(([name, skus]) => `${text.overview.age[name]}: ${formats.number(skus)}`)
    .join(', ');
  return (
    <div className={classes['ages']} role="img" aria-label={label} title={label}>
      {shown.map(([name, skus]) => (
        <span key={name} className={classes[name]} style={{ flexGrow: skus }} />
      ))}
    </div>
  );
}
