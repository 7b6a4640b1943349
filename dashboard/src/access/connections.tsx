import { Button, Group, Modal, Select, Table } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ConnectionPage, Organization } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';
import { Instant } from '../format/time.tsx';
import { Confirm } from '../frame/confirm.tsx';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { FailedAlert, Nothing } from '../states/states.tsx';
import { connectionsQuery, organizationsQuery } from './queries.ts';

type Connection = ConnectionPage['connections'][number];

/** Which retailers read a supplier's SKUs, or which suppliers a retailer reads. */
export function ConnectionList({ organization }: { readonly organization: Organization }) {
  const text = useText();
  const cache = useQueryClient();
  const isSupplier = organization.type === 'supplier';
  const query = useQuery(connectionsQuery);
  const { data: all } = useQuery(organizationsQuery);
  const [chosen, setChosen] = useState<string | null>(null);
  const [removing, setRemoving] = useState<Connection>();
  const leave = (): void => setRemoving(undefined);
  const adding = useMutation({
    mutationFn: async (other: string) =>
      onhand.connections.create({
        supplier: isSupplier ? organization.uuid : other,
        retailer: isSupplier ? other : organization.uuid,
      }),
    onSuccess: async () => {
      setChosen(null);
      await cache.invalidateQueries({ queryKey: connectionsQuery.queryKey });
    },
  });
  const own = query.data?.connections.filter(
    ({ supplier, retailer }) => (isSupplier ? supplier : retailer).uuid === organization.uuid,
  );
  const otherOf = (connection: Connection) =>
    isSupplier ? connection.retailer : connection.supplier;
  const connected = new Set(own?.map((connection) => otherOf(connection).uuid));
  const others = (all?.organizations ?? []).filter(
    ({ uuid, type }) => type === (isSupplier ? 'retailer' : 'supplier') && !connected.has(uuid),
  );
  return (
    <Panel
      title={isSupplier ? text.access.readers : text.access.readSuppliers}
      isFlush
      actions={
        <Group gap={8}>
          <Select
            aria-label={text.access.connectTo}
            placeholder={text.access.connectTo}
            searchable
            data={others.map(({ uuid, name }) => ({ value: uuid, label: name }))}
            value={chosen}
            onChange={setChosen}
          />
          <Button
            disabled={chosen === null}
            loading={adding.isPending}
            onClick={() => {
              if (chosen !== null) adding.mutate(chosen);
            }}
          >
            {text.access.connect}
          </Button>
        </Group>
      }
    >
      {adding.error === null ? null : <FailedAlert error={adding.error} />}
      <QueryTable
        query={query}
        rows={own}
        nothing={<Nothing title={text.access.noConnections} />}
        minWidth={320}
        row={(connection) => (
          <Table.Tr key={otherOf(connection).uuid}>
            <Table.Td fw={500}>{otherOf(connection).name}</Table.Td>
            <Table.Td>
              <Instant time={connection.created} />
            </Table.Td>
            <Table.Td className="number">
              <Button
                variant="default"
                aria-label={`${text.access.disconnect}: ${otherOf(connection).name}`}
                onClick={() => setRemoving(connection)}
              >
                {text.access.disconnect}…
              </Button>
            </Table.Td>
          </Table.Tr>
        )}
      />
      <Modal opened={removing !== undefined} onClose={leave} title={text.access.disconnect}>
        {removing === undefined ? null : <Disconnect connection={removing} onClose={leave} />}
      </Modal>
    </Panel>
  );
}

function Disconnect({
  connection: { supplier, retailer },
  onClose,
}: {
  readonly connection: Connection;
  readonly onClose: () => void;
}) {
  const text = useText();
  const cache = useQueryClient();
  const removing = useMutation({
    mutationFn: async () =>
      onhand.connections.remove({ supplier: supplier.uuid, retailer: retailer.uuid }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: connectionsQuery.queryKey });
      onClose();
    },
  });
  return (
    <Confirm
      what={text.access.disconnectWill(retailer.name, supplier.name)}
      action={text.access.disconnect}
      doing={removing}
      onCancel={onClose}
    />
  );
}
