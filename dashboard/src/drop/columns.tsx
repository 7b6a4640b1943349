import { Alert, Badge, Button, Checkbox, Group, Select, Table, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { FileSettings, FileWithBatches } from '../../../client/src/index.ts';
import { jsonRequest } from '../../../client/src/json-request.ts';
import { useActing } from '../acting/acting.tsx';
import { FILE_SETTINGS_PATH, previewQuery } from '../files/queries.ts';
import { Icon } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';
import { COLUMN_TARGETS, columnsOf, IGNORE, printMapping } from './mapping.ts';
import { sendForCheck, sentFile } from './sent-files.ts';
import classes from './drop.module.css';

/** How each column is read, with its first values; other choices are checked again, and saved if wanted. */
export function Columns({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const acting = useActing();
  const { onhand, transport } = acting;
  const navigate = useNavigate();
  const cache = useQueryClient();
  const { data: preview, isPending } = useQuery(previewQuery(acting, file.uuid));
  const [choices, setChoices] = useState<Readonly<Record<string, string>>>({});
  const [isSaved, setIsSaved] = useState(true);
  const sending = sentFile(file.uuid);
  const checking = useMutation({
    mutationFn: async () => {
      if (isSaved) {
        const path = FILE_SETTINGS_PATH;
        const saved = await transport.json<FileSettings>({ method: 'GET', path });
        const columns = { ...saved.columns, ...choices };
        await transport.json<FileSettings>(jsonRequest('PATCH', path, { columns }));
        await cache.invalidateQueries({ queryKey: ['file-settings'] });
      }
      if (sending === undefined) return undefined;
      const given = sending.terms.mapping;
      const mapping = [...(given === undefined ? [] : [given]), printMapping(choices)].join(',');
      const terms = isSaved ? sending.terms : { ...sending.terms, mapping };
      return sendForCheck(onhand, { ...sending, terms });
    },
    onSuccess: (uuid) => {
      if (uuid === undefined) void navigate({ to: '/drop' });
      else void navigate({ to: '/drop/$uuid', params: { uuid }, replace: true });
    },
  });
  const columns = columnsOf(file, preview);
  if (isPending) return null;
  if (columns.length === 0) return null;
  const isChanged = Object.keys(choices).length > 0;
  const targets = [
    { value: IGNORE, label: text.columns.ignore },
    ...COLUMN_TARGETS.map((column) => ({ value: column, label: text.columns.targets[column] })),
  ];
  return (
    <Panel title={text.columns.title} isFlush>
      <Table.ScrollContainer minWidth={520}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{text.columns.inFile}</Table.Th>
              <Table.Th>{text.columns.samples}</Table.Th>
              <Table.Th>{text.columns.readAs}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {columns.map(({ header, samples, column, isMapped }, place) => (
              <Table.Tr key={`${place} ${header}`}>
                <Table.Td fw={500}>
                  {header} {isMapped ? <Badge color="gray">{text.columns.mapped}</Badge> : null}
                </Table.Td>
                <Table.Td>
                  <div className={classes['sample']}>{samples.join(' · ')}</div>
                </Table.Td>
                <Table.Td>
                  <Select
                    aria-label={text.columns.readColumnAs(header)}
                    data={
                      column === undefined || targets.some(({ value }) => value === column)
                        ? targets
                        : [...targets, { value: column, label: column }]
                    }
                    value={choices[header] ?? column ?? IGNORE}
                    allowDeselect={false}
                    maw={240}
                    onChange={(value) => {
                      if (value === null) return;
                      const { [header]: _before, ...others } = choices;
                      const isAsBefore = value === (column ?? IGNORE);
                      setChoices(isAsBefore ? others : { ...others, [header]: value });
                    }}
                  />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {isChanged ? (
        <div className={classes['foot']}>
          <Checkbox
            size="xs"
            label={text.columns.save}
            checked={isSaved}
            disabled={sending === undefined}
            onChange={(event) => setIsSaved(event.currentTarget.checked)}
          />
          <Group gap={10}>
            {sending === undefined ? (
              <Text size="xs" c="dimmed">
                {text.columns.dropAgain}
              </Text>
            ) : null}
            <Button
              variant="light"
              leftSection={<Icon name="flask" />}
              loading={checking.isPending}
              onClick={() => checking.mutate()}
            >
              {sending === undefined ? text.columns.saveOnly : text.columns.checkAgain}
            </Button>
          </Group>
        </div>
      ) : null}
      {checking.error === null ? null : <FailedAlert error={checking.error} />}
      {file.notes.length === 0 ? null : (
        <Alert color="gray" radius={0} title={text.columns.notes}>
          {file.notes.map((note) => (
            <Text key={note} size="xs">
              {note}
            </Text>
          ))}
        </Alert>
      )}
    </Panel>
  );
}
