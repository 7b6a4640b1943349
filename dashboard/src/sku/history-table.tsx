import { Badge, Button, Center, Table } from '@mantine/core';
import type { HistoryEntry } from '../../../client/src/index.ts';
import { sourceName } from '../batches/batch-source.tsx';
import { InventoryChange } from '../changes/inventory-change.tsx';
import { Instant } from '../format/time.tsx';
import { useText } from '../language/language.tsx';
import { Nothing } from '../states/states.tsx';

/** What changed, when, by whom and why; the latest first. */
export function HistoryTable({
  entries,
  onMore,
  isReading,
}: {
  readonly entries: readonly HistoryEntry[];
  /** Reads older changes; undefined if there are none. */
  readonly onMore: (() => void) | undefined;
  readonly isReading: boolean;
}) {
  const text = useText();
  if (entries.length === 0) return <Nothing title={text.sku.noHistory} />;
  return (
    <Table.ScrollContainer type="native" minWidth={520}>
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{text.sku.time}</Table.Th>
            <Table.Th>{text.sku.change}</Table.Th>
            <Table.Th>{text.sku.who}</Table.Th>
            <Table.Th>{text.sku.why}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {entries.map((entry) => (
            <Table.Tr key={entry.sequence}>
              <Table.Td>
                <Instant time={entry.time} />
              </Table.Td>
              <Table.Td>
                <InventoryChange before={entry.before} after={entry.after} />
                {entry.retired === true ? <Badge>{text.sku.retired}</Badge> : null}
              </Table.Td>
              <Table.Td>
                <Author entry={entry} />
              </Table.Td>
              <Table.Td>{entry.reason ?? <span className="muted">–</span>}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {onMore === undefined ? null : (
        <Center p="sm">
          <Button variant="default" loading={isReading} onClick={onMore}>
            {text.sku.more}
          </Button>
        </Center>
      )}
    </Table.ScrollContainer>
  );
}

/** Who sent the batch, and as what; a retailer does not see who. */
function Author({ entry }: { readonly entry: HistoryEntry }) {
  const text = useText();
  return (
    <>
      {entry.username} <span className="muted">{sourceName(entry.source, text)}</span>
    </>
  );
}
