import { Alert, Badge, Select, Table, Text } from '@mantine/core';
import { useSessionStorage } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { FileWithBatches } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { previewQuery } from '../files/queries.ts';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { CheckAgainFoot } from './check-again-foot.tsx';
import { COLUMN_TARGETS, columnsOf, IGNORE } from './mapping.ts';
import classes from './drop.module.css';

/** How each column is read, with its first values; other choices are checked again, and saved if wanted. */
export function Columns({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const acting = useActing();
  const { data: preview, isPending } = useQuery(previewQuery(acting, file.uuid));
  // They survive a reload of the page.
  const [choices, setChoices] = useSessionStorage<Readonly<Record<string, string>>>({
    key: `onhand-columns-${file.uuid}`,
    defaultValue: {},
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
      {preview?.header_problem === undefined || preview.header_problem === null ? null : (
        <Text size="sm" className="panel-body">
          {text.columns.mapHint}
        </Text>
      )}
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
        <CheckAgainFoot file={file} rules={{ columns: choices }} isSavedAtFirst />
      ) : null}
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
