import { Button, Center, Group, SegmentedControl, Table } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { FileEffects, FileWithBatches } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, LoadingRows, Nothing } from '../states/states.tsx';
import { Candidates, Failures } from './failures.tsx';
import { effectsQuery, effectTotalsQuery, type EffectFilter } from './queries.ts';
import { ValueChange } from './value-change.tsx';

/** What a file would change and what failed, row by row. */
export function Effects({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const formats = useFormats();
  const totals = useQuery(effectTotalsQuery(useActing(), file.uuid));
  const [chosen, setChosen] = useState<EffectFilter>();
  if (totals.error !== null)
    return <Failed error={totals.error} onRetry={() => void totals.refetch()} />;
  if (totals.data === undefined) return <LoadingRows />;
  const { changed, to_zero: toZero, failed } = totals.data.totals;
  const filters = [
    { value: 'changed' as const, label: text.effects.changed, count: changed },
    { value: 'to_zero' as const, label: text.effects.toZero, count: toZero },
    { value: 'failed' as const, label: text.effects.failed, count: failed },
  ].filter(({ count }) => (count ?? 0) > 0);
  const only = chosen ?? filters[0]?.value;
  return (
    <>
      {failed > 0 ? <Failures file={file} failures={totals.data.failures} /> : null}
      {only === undefined ? (
        file.dry_run ? (
          <Panel title={text.effects.title}>
            <Nothing title={text.effects.nothing} />
          </Panel>
        ) : null
      ) : (
        <Panel
          title={file.dry_run ? text.effects.title : text.effects.rowsTitle}
          isFlush
          actions={
            filters.length < 2 ? undefined : (
              <SegmentedControl<EffectFilter>
                size="xs"
                aria-label={text.effects.show}
                value={only}
                onChange={setChosen}
                data={filters.map(({ value, label, count }) => ({
                  value,
                  label: `${label} ${formats.number(count ?? 0)}`,
                }))}
              />
            )
          }
        >
          <EffectRows key={only} file={file} only={only} />
        </Panel>
      )}
    </>
  );
}

function EffectRows({
  file,
  only,
}: {
  readonly file: FileWithBatches;
  readonly only: EffectFilter;
}) {
  const text = useText();
  const formats = useFormats();
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    effectsQuery(useActing(), file.uuid, only),
  );
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) {
    return (
      <div className="panel-body">
        <LoadingRows />
      </div>
    );
  }
  const rows = data.pages.flatMap((page) => page.rows);
  const total = data.pages[0]?.pagination.total_count ?? rows.length;
  return (
    <>
      <Table.ScrollContainer minWidth={460} maxHeight={520}>
        <Table stickyHeader highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={70} className="number">
                {text.effects.row}
              </Table.Th>
              <Table.Th>{text.effects.sku}</Table.Th>
              <Table.Th>{only === 'failed' ? text.effects.reason : text.effects.change}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <EffectRow key={row.row} row={row} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {hasNextPage ? (
        <Center py={10}>
          <Group gap={12}>
            <span className="muted">
              {text.effects.shown(formats.number(rows.length), formats.number(total))}
            </span>
            <Button
              variant="default"
              loading={isFetchingNextPage}
              onClick={() => void fetchNextPage()}
            >
              {text.effects.more}
            </Button>
          </Group>
        </Center>
      ) : null}
    </>
  );
}

function EffectRow({ row }: { readonly row: FileEffects['rows'][number] }) {
  const formats = useFormats();
  const changes = Object.entries(row.changes);
  return (
    <Table.Tr>
      <Table.Td className="number muted">{formats.number(row.row)}</Table.Td>
      <Table.Td className="mono">
        {row.sku_uuid === null ? (
          (row.sku_id ?? '–')
        ) : (
          <Link to="/skus/$uuid" params={{ uuid: row.sku_uuid }}>
            {row.sku_id ?? row.sku_uuid}
          </Link>
        )}
      </Table.Td>
      <Table.Td>
        {changes.length === 0 ? (
          <>
            {row.message} <Candidates ids={row.candidates} />
          </>
        ) : (
          <Group gap="4px 18px">
            {changes.map(([field, { from, to }]) => (
              <ValueChange key={field} field={field} from={from} to={to} />
            ))}
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
