import { Badge, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Freshness } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';
import { Ago } from '../format/time.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, LoadingRows, Nothing } from '../states/states.tsx';

const REFRESH_MS = 30_000;

/** When each supplier last reported, the late ones first. */
export function FreshnessTable() {
  const text = useText();
  const formats = useFormats();
  const { data, error, refetch } = useQuery({
    queryKey: ['freshness'],
    queryFn: async ({ signal }) => onhand.freshness({}, { signal }),
    refetchInterval: REFRESH_MS,
  });
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <LoadingRows />;
  if (data.suppliers.length === 0) return <Nothing title={text.overview.noSuppliers} />;
  return (
    <Table highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.overview.supplier}</Table.Th>
          <Table.Th>{text.overview.state}</Table.Th>
          <Table.Th>{text.overview.lastHeard}</Table.Th>
          <Table.Th className="number">{text.overview.skus}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {data.suppliers.map((entry) => (
          <Table.Tr key={entry.supplier.uuid}>
            <Table.Td>{entry.supplier.name}</Table.Td>
            <Table.Td>
              <State entry={entry} />
            </Table.Td>
            <Table.Td>
              {entry.last_heard === null ? text.overview.never : <Ago time={entry.last_heard} />}
            </Table.Td>
            <Table.Td className="number">
              {formats.number(entry.skus_by_age.reduce((sum, { count }) => sum + count, 0))}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function State({ entry }: { readonly entry: Freshness['suppliers'][number] }) {
  const text = useText();
  if (entry.last_heard === null) return <Badge className="badge-warn">{text.overview.silent}</Badge>;
  if (entry.is_late === true) return <Badge className="badge-bad">{text.overview.late}</Badge>;
  return <Badge className="badge-good">{text.overview.onTime}</Badge>;
}
