import { Anchor, Group, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { Batch as BatchFacts } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { batchQuery, batchResultsQuery, countsOf } from '../files/queries.ts';
import { Instant } from '../format/time.tsx';
import { Panel, Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { Failed, LoadingRows, Nothing } from '../states/states.tsx';
import { BatchSource } from './batch-source.tsx';
import { UndoButton } from './undo.tsx';

/** One batch: what it changed, which of its lines failed, and its undo. */
export function Batch() {
  const text = useText();
  const formats = useFormats();
  const { uuid = '' } = useParams({ strict: false });
  const { data: batch, error, refetch } = useQuery(batchQuery(useActing(), uuid));
  return (
    <Screen
      title={batch === undefined ? '…' : text.batches.number(formats.number(batch.number))}
      above={
        <Anchor
          size="sm"
          renderRoot={(props) => <Link to="/files" search={{ list: 'batches' }} {...props} />}
        >
          ← {text.files.tabBatches}
        </Anchor>
      }
      subtitle={
        batch === undefined ? undefined : (
          <Group gap={8}>
            <BatchSource source={batch.source} />
            <Instant time={batch.applied} />
            {batch.username === null ? null : <span>{text.files.by(batch.username)}</span>}
          </Group>
        )
      }
      actions={
        batch === undefined || batch.changed_count === 0 ? undefined : (
          <UndoButton kind="batch" uuid={batch.uuid} label={text.undo.batch} />
        )
      }
    >
      {error !== null ? <Failed error={error} onRetry={() => void refetch()} /> : null}
      {batch === undefined && error === null ? <LoadingRows /> : null}
      {batch === undefined ? null : <BatchDetails batch={batch} />}
    </Screen>
  );
}

function BatchDetails({ batch }: { readonly batch: BatchFacts }) {
  const text = useText();
  const formats = useFormats();
  const { applied, failed } = countsOf(batch.status_counts);
  const details = [
    { label: text.batches.lines, value: formats.number(batch.line_count) },
    { label: text.batches.linesApplied, value: formats.number(applied) },
    { label: text.batches.failed, value: formats.number(failed) },
    { label: text.batches.changed, value: formats.number(batch.changed_count) },
    { label: text.batches.zeroed, value: formats.number(batch.zeroed_count) },
    { label: text.files.reason, value: batch.reason },
    { label: text.files.reference, value: batch.reference },
  ];
  return (
    <>
      <Panel title={text.files.details} isFlush>
        <Table variant="vertical" layout="fixed">
          <Table.Tbody>
            {details.map(({ label, value }) =>
              value === null ? null : (
                <Table.Tr key={label}>
                  <Table.Th w={180}>{label}</Table.Th>
                  <Table.Td>{value}</Table.Td>
                </Table.Tr>
              ),
            )}
            {batch.reverts_uuid === null ? null : (
              <Table.Tr>
                <Table.Th w={180}>{text.batches.reverts}</Table.Th>
                <Table.Td className="mono">
                  <Link to="/batches/$uuid" params={{ uuid: batch.reverts_uuid }}>
                    {batch.reverts_uuid}
                  </Link>
                </Table.Td>
              </Table.Tr>
            )}
            <Table.Tr>
              <Table.Th w={180}>UUID</Table.Th>
              <Table.Td className="mono">{batch.uuid}</Table.Td>
            </Table.Tr>
          </Table.Tbody>
        </Table>
      </Panel>
      {failed > 0 ? <FailedLines uuid={batch.uuid} /> : null}
    </>
  );
}

function FailedLines({ uuid }: { readonly uuid: string }) {
  const text = useText();
  const formats = useFormats();
  const query = useQuery(batchResultsQuery(useActing(), uuid));
  return (
    <Panel title={text.batches.failedLines} isFlush>
      <QueryTable
        query={query}
        rows={query.data}
        nothing={<Nothing title={text.batches.noFailedLines} />}
        minWidth={420}
        maxHeight={480}
        head={
          <>
            <Table.Th w={80} className="number">
              {text.batches.line}
            </Table.Th>
            <Table.Th w={90}>{text.batches.status}</Table.Th>
            <Table.Th>{text.effects.reason}</Table.Th>
          </>
        }
        row={(result, place) => (
          <Table.Tr key={result.index ?? place}>
            <Table.Td className="number muted">
              {formats.number((result.index ?? place) + 1)}
            </Table.Td>
            <Table.Td className="bad">{result.status_code}</Table.Td>
            <Table.Td>{result.message}</Table.Td>
          </Table.Tr>
        )}
      />
    </Panel>
  );
}
