import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useActing } from '../acting/acting.tsx';
import { batchesQuery, countsOf } from '../files/queries.ts';
import { Pages } from '../files/pages.tsx';
import { Ago } from '../format/time.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { Nothing } from '../states/states.tsx';
import { BatchSource } from './batch-source.tsx';

/** Batches of every kind, latest first. */
export function BatchTable({
  limit,
  start = 0,
  onTurn,
  refreshMs,
}: {
  readonly limit: number;
  readonly start?: number;
  /** Shows the page from this batch on; without it, there is one page only. */
  readonly onTurn?: (start: number) => void;
  /** How often they are read again; without it, only when the reader comes back. */
  readonly refreshMs?: number;
}) {
  const text = useText();
  const formats = useFormats();
  const query = useQuery({
    ...batchesQuery(useActing(), start, limit),
    refetchInterval: refreshMs ?? false,
  });
  return (
    <>
      <QueryTable
        query={query}
        rows={query.data?.batches}
        nothing={<Nothing title={text.batches.noneTitle}>{text.batches.noneText}</Nothing>}
        minWidth={620}
        head={
          <>
            <Table.Th>{text.batches.batch}</Table.Th>
            <Table.Th>{text.batches.source}</Table.Th>
            <Table.Th className="number">{text.batches.lines}</Table.Th>
            <Table.Th className="number">{text.batches.changed}</Table.Th>
            <Table.Th className="number">{text.batches.failed}</Table.Th>
            <Table.Th>{text.batches.who}</Table.Th>
            <Table.Th>{text.batches.applied}</Table.Th>
          </>
        }
        row={(batch) => {
          const { failed } = countsOf(batch.status_counts);
          return (
            <Table.Tr key={batch.uuid}>
              <Table.Td>
                <Link to="/batches/$uuid" params={{ uuid: batch.uuid }} className="row-link">
                  {text.batches.number(formats.number(batch.number))}
                </Link>
                {batch.reason === null ? null : <div className="muted">{batch.reason}</div>}
              </Table.Td>
              <Table.Td>
                <BatchSource source={batch.source} />
              </Table.Td>
              <Table.Td className="number">{formats.number(batch.line_count)}</Table.Td>
              <Table.Td className="number">{formats.number(batch.changed_count)}</Table.Td>
              <Table.Td className={`number ${failed > 0 ? 'bad' : 'muted'}`}>
                {formats.number(failed)}
              </Table.Td>
              <Table.Td>{batch.username ?? '–'}</Table.Td>
              <Table.Td>
                <Ago time={batch.applied} />
              </Table.Td>
            </Table.Tr>
          );
        }}
      />
      {onTurn === undefined || query.data === undefined ? null : (
        <Pages pagination={query.data.pagination} onTurn={onTurn} />
      )}
    </>
  );
}
