import { Table } from '@mantine/core';
import type { BatchPage } from '../../../client/src/index.ts';
import { Ago } from '../format/time.tsx';
import { useFormats, useText } from '../language/language.tsx';
import type { Messages } from '../language/messages.ts';
import { Nothing } from '../states/states.tsx';

export type Batch = BatchPage['batches'][number];

/** The latest batches in short. */
export function BatchList({ batches }: { readonly batches: readonly Batch[] }) {
  const text = useText();
  const formats = useFormats();
  if (batches.length === 0) {
    return <Nothing title={text.overview.noBatches}>{text.overview.noBatchesHint}</Nothing>;
  }
  return (
    <Table.ScrollContainer type="native" minWidth={560}>
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text.sku.time}</Table.Th>
            <Table.Th>{text.overview.source}</Table.Th>
            <Table.Th>{text.sku.who}</Table.Th>
            <Table.Th>{text.sku.why}</Table.Th>
            <Table.Th className="number">{text.overview.lines}</Table.Th>
            <Table.Th className="number">{text.overview.changed}</Table.Th>
            <Table.Th className="number">{text.overview.failed}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {batches.map((batch) => {
            const failed = batch.line_count - (batch.status_counts['200'] ?? 0);
            return (
              <Table.Tr key={batch.uuid}>
                <Table.Td>
                  <Ago time={batch.applied} />
                </Table.Td>
                <Table.Td>{sourceName(batch.source, text)}</Table.Td>
                <Table.Td>{batch.username ?? <span className="muted">–</span>}</Table.Td>
                <Table.Td>{batch.reason ?? <span className="muted">–</span>}</Table.Td>
                <Table.Td className="number">{formats.number(batch.line_count)}</Table.Td>
                <Table.Td className="number">{formats.number(batch.changed_count)}</Table.Td>
                <Table.Td className={`number ${failed > 0 ? 'bad' : 'muted'}`}>
                  {formats.number(failed)}
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** How a batch was sent; a source that is newer than the dashboard keeps the API's name. */
export function sourceName(source: string, { overview }: Messages): string {
  const known = Object.entries(overview.sources).find(([name]) => name === source);
  return known?.[1] ?? source;
}
