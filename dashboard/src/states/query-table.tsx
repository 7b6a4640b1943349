import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import { Failed, LoadingRows } from './states.tsx';

/** A table of what a query reads; until there are rows, that it is loading, has failed or has found nothing. */
export function QueryTable<Row>({
  query: { error, refetch },
  rows,
  nothing,
  head,
  row,
  minWidth,
  maxHeight,
}: {
  readonly query: { readonly error: Error | null; readonly refetch: () => Promise<unknown> };
  /** Undefined until they have been read. */
  readonly rows: readonly Row[] | undefined;
  /** Shown if there are no rows; without it, the table is shown empty. */
  readonly nothing?: ReactNode;
  /** The cells of the header. */
  readonly head?: ReactNode;
  readonly row: (row: Row, place: number) => ReactNode;
  /** In pixels; if there is less room, the table scrolls. */
  readonly minWidth: number;
  /** In pixels; a longer table scrolls under its header. */
  readonly maxHeight?: number;
}) {
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (rows === undefined) {
    return (
      <div className="panel-body">
        <LoadingRows />
      </div>
    );
  }
  if (rows.length === 0 && nothing !== undefined) return nothing;
  return (
    <Table.ScrollContainer minWidth={minWidth} {...(maxHeight !== undefined && { maxHeight })}>
      <Table highlightOnHover stickyHeader={maxHeight !== undefined}>
        {head === undefined ? null : (
          <Table.Thead>
            <Table.Tr>{head}</Table.Tr>
          </Table.Thead>
        )}
        <Table.Tbody>{rows.map(row)}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
