import { Button, Checkbox, Select, Table, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Change, ChangeRecord } from '../../../client/src/index.ts';
import { useSession } from '../api/session.ts';
import { Instant } from '../format/time.tsx';
import { Icon } from '../frame/icons.tsx';
import { Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, Nothing } from '../states/states.tsx';
import classes from './changes.module.css';
import { InventoryChange } from './inventory-change.tsx';
import { useLiveFeed } from './live-feed.ts';

/** How many rows are drawn. */
const ROWS = 200;

/** Every change while it happens. */
export function Changes() {
  const text = useText();
  const formats = useFormats();
  const { organization } = useSession();
  const [isPaused, setIsPaused] = useState(false);
  const [sku, setSku] = useState('');
  const [supplier, setSupplier] = useState<string | null>(null);
  const [onlyToZero, setOnlyToZero] = useState(false);
  const { records, waiting, isDisconnected, error } = useLiveFeed(isPaused);
  const state = isPaused ? text.changes.paused(formats.number(waiting)) : text.changes.live;
  const suppliers = new Map(records.map((record) => [record.supplier.uuid, record.supplier.name]));
  const shown = records.filter(
    (record) =>
      (supplier === null || record.supplier.uuid === supplier) &&
      (sku === '' || (record.kind === 'change' && matches(record, sku))) &&
      (!onlyToZero || (record.kind === 'change' && isToZero(record))),
  );
  const hasSuppliers = organization.type !== 'supplier';
  return (
    <Screen
      isFilling
      title={text.frame.screens.changes}
      subtitle={
        <span role="status">
          <span
            className={`${classes['dot']} ${isPaused || isDisconnected ? classes['paused'] : ''}`}
          />
          {isDisconnected ? text.changes.disconnected : state}
        </span>
      }
      actions={
        <Button
          variant="default"
          leftSection={<Icon name={isPaused ? 'play' : 'pause'} size={14} />}
          onClick={() => setIsPaused(!isPaused)}
        >
          {isPaused ? text.changes.resume : text.changes.pause}
        </Button>
      }
    >
      <div className={classes['bar']}>
        <TextInput
          type="search"
          w={260}
          aria-label={text.changes.filter}
          placeholder={text.changes.filter}
          leftSection={<Icon name="filter" size={14} />}
          value={sku}
          onChange={(event) => setSku(event.currentTarget.value)}
        />
        {hasSuppliers ? (
          <Select
            aria-label={text.skus.columns.supplier}
            placeholder={text.skus.anySupplier}
            clearable
            searchable
            data={[...suppliers].map(([value, label]) => ({ value, label }))}
            value={supplier}
            onChange={setSupplier}
          />
        ) : null}
        <Checkbox
          size="xs"
          label={text.changes.onlyToZero}
          checked={onlyToZero}
          onChange={(event) => setOnlyToZero(event.currentTarget.checked)}
        />
      </div>
      {error === null ? null : <Failed error={error} />}
      <div
        className={`panel ${classes['scroller']}`}
        tabIndex={0}
        role="region"
        aria-label={text.frame.screens.changes}
      >
        {shown.length === 0 ? (
          <Nothing title={records.length === 0 ? text.changes.none : text.changes.noneMatch}>
            {records.length === 0 ? text.changes.noneHint : undefined}
          </Nothing>
        ) : (
          <Table stickyHeader highlightOnHover>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{text.sku.time}</Table.Th>
                {hasSuppliers ? <Table.Th>{text.skus.columns.supplier}</Table.Th> : null}
                <Table.Th>{text.skus.columns.sku}</Table.Th>
                <Table.Th>{text.sku.change}</Table.Th>
                <Table.Th visibleFrom="sm">{text.sku.why}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {shown.slice(0, ROWS).map((record) => (
                <Row
                  key={`${record.supplier.uuid}-${record.kind}-${record.sequence}`}
                  record={record}
                  hasSuppliers={hasSuppliers}
                />
              ))}
            </Table.Tbody>
          </Table>
        )}
      </div>
    </Screen>
  );
}

function Row({
  record,
  hasSuppliers,
}: {
  readonly record: ChangeRecord;
  readonly hasSuppliers: boolean;
}) {
  const text = useText();
  if (record.kind !== 'change') {
    const said = record.kind === 'supplier_entered' ? text.changes.entered : text.changes.left;
    return (
      <Table.Tr>
        <Table.Td colSpan={5} className="muted">
          {said(record.supplier.name)}
        </Table.Td>
      </Table.Tr>
    );
  }
  return (
    <Table.Tr>
      <Table.Td className={classes['time'] ?? ''}>
        <Instant time={record.time} />
      </Table.Td>
      {hasSuppliers ? <Table.Td>{record.supplier.name}</Table.Td> : null}
      <Table.Td>
        <Link to="/skus/$uuid" params={{ uuid: record.sku.uuid }} className={classes['link'] ?? ''}>
          {record.sku.sku_id}
        </Link>
      </Table.Td>
      <Table.Td>
        <InventoryChange before={record.before} after={record.after} />
      </Table.Td>
      <Table.Td visibleFrom="sm">{record.reason ?? ''}</Table.Td>
    </Table.Tr>
  );
}

function matches({ sku, reason }: Change, wanted: string): boolean {
  const texts = [sku.sku_id, reason ?? '', ...Object.values(sku.product_identifiers)];
  return texts.some((value) => value?.toLowerCase().includes(wanted.trim().toLowerCase()) ?? false);
}

function isToZero({ before, after }: Change): boolean {
  return after.quantity_in_stock === 0 && before.quantity_in_stock !== 0;
}
