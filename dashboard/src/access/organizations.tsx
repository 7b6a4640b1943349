import { Badge, Button, Group, Modal, Select, Table, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { onhand } from '../api/client.ts';
import { Instant } from '../format/time.tsx';
import { DialogForm } from '../frame/dialog-form.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { organizationsQuery } from './queries.ts';

const TYPES = ['supplier', 'retailer', 'operator'] as const;

/** The organizations of the server, for its operators. */
export function Organizations() {
  const text = useText();
  const formats = useFormats();
  const [isCreating, creation] = useDisclosure(false);
  const [filter, setFilter] = useState('');
  const query = useQuery(organizationsQuery);
  const wanted = filter.trim().toLowerCase();
  const found = query.data?.organizations.filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <Panel
      title={text.access.tabs.organizations}
      isFlush
      actions={
        <Group gap={8}>
          <TextInput
            aria-label={text.access.filter}
            placeholder={text.access.filter}
            w={150}
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
          />
          <Button leftSection={<Icon name="plus" />} onClick={creation.open}>
            {text.access.createOrganization}
          </Button>
        </Group>
      }
    >
      <QueryTable
        query={query}
        rows={found}
        minWidth={560}
        head={
          <>
            <Table.Th>{text.access.name}</Table.Th>
            <Table.Th>{text.access.type}</Table.Th>
            <Table.Th>{text.access.state}</Table.Th>
            <Table.Th className="number">{text.access.expectedShort}</Table.Th>
            <Table.Th>{text.access.created}</Table.Th>
          </>
        }
        row={(organization) => (
          <Table.Tr key={organization.uuid}>
            <Table.Td>
              <Link to="/access/$uuid" params={{ uuid: organization.uuid }} className="row-link">
                {organization.name}
              </Link>
            </Table.Td>
            <Table.Td>{text.frame.types[organization.type]}</Table.Td>
            <Table.Td>
              <Badge
                color="gray"
                className={organization.disabled === null ? 'badge-good' : 'badge-bad'}
              >
                {organization.disabled === null ? text.access.active : text.access.disabled}
              </Badge>
            </Table.Td>
            <Table.Td className="number">
              {typeof organization.expected_interval_minutes === 'number'
                ? text.access.minutes(formats.number(organization.expected_interval_minutes))
                : '–'}
            </Table.Td>
            <Table.Td>
              <Instant time={organization.created} />
            </Table.Td>
          </Table.Tr>
        )}
      />
      <Modal opened={isCreating} onClose={creation.close} title={text.access.createOrganization}>
        <CreateOrganization onClose={creation.close} />
      </Modal>
    </Panel>
  );
}

function CreateOrganization({ onClose }: { readonly onClose: () => void }) {
  const text = useText();
  const cache = useQueryClient();
  const [name, setName] = useState('');
  const [type, setType] = useState<(typeof TYPES)[number]>('supplier');
  const creating = useMutation({
    mutationFn: async () => onhand.organizations.create({ type, name: name.trim() }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: organizationsQuery.queryKey });
      onClose();
    },
  });
  return (
    <DialogForm action={text.access.createOrganization} doing={creating} onCancel={onClose}>
      <TextInput
        label={text.access.name}
        required
        withAsterisk={false}
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Select
        label={text.access.type}
        allowDeselect={false}
        value={type}
        data={TYPES.map((value) => ({ value, label: text.frame.types[value] }))}
        onChange={(value) => setType(TYPES.find((each) => each === value) ?? 'supplier')}
      />
    </DialogForm>
  );
}
