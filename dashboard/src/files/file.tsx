import { Anchor, Button, Group, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { FileWithBatches } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { UndoButton } from '../batches/undo.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel, Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { Failed, LoadingRows } from '../states/states.tsx';
import { Effects } from './effects.tsx';
import { FileFacts } from './file-facts.tsx';
import { FileProgress } from './file-progress.tsx';
import { FileState } from './file-state.tsx';
import { FileNotice } from './notices.tsx';
import { fileQuery, FILES_PATH, isUnfinished } from './queries.ts';
import { Questions } from './questions.tsx';

/** One file: how far it is, what failed and why, its batches, its results, and its undo. */
export function File() {
  const text = useText();
  const { uuid = '' } = useParams({ strict: false });
  const { data: file, error, refetch } = useQuery(fileQuery(useActing(), uuid));
  return (
    <Screen
      title={file === undefined ? '…' : (file.filename ?? text.files.unnamed)}
      above={
        <Anchor component={Link} to="/files" size="sm">
          ← {text.frame.screens.files}
        </Anchor>
      }
      subtitle={
        file === undefined ? undefined : (
          <Group gap={8}>
            <FileState file={file} />
            <FileFacts file={file} />
          </Group>
        )
      }
      actions={file === undefined ? undefined : <FileActions file={file} />}
    >
      {error !== null ? <Failed error={error} onRetry={() => void refetch()} /> : null}
      {file === undefined && error === null ? <LoadingRows /> : null}
      {file === undefined ? null : (
        <>
          {isUnfinished(file) ? <FileProgress file={file} /> : null}
          {file.state === 'held' ? <Questions file={file} /> : null}
          <FileNotice file={file} />
          {file.state === 'done' || file.state === 'failed' ? <Effects file={file} /> : null}
          <FileDetails file={file} />
        </>
      )}
    </Screen>
  );
}

function FileActions({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const { linkTo } = useActing();
  if (isUnfinished(file) || file.state === 'held') return null;
  return (
    <>
      <Button
        component="a"
        variant="default"
        href={linkTo(`${FILES_PATH}${file.uuid}/results.csv`)}
        download
        leftSection={<Icon name="download" size={14} />}
      >
        {text.files.results}
      </Button>
      {file.dry_run || file.batches.length === 0 ? null : (
        <UndoButton kind="file" uuid={file.uuid} label={text.undo.file} />
      )}
    </>
  );
}

function FileDetails({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const details = [
    { label: text.files.reason, value: file.reason },
    { label: text.files.reference, value: file.reference },
    {
      label: text.files.columns,
      value:
        file.mapping.length === 0
          ? null
          : file.mapping.map(({ header, column }) => `${header} → ${column}`).join(', '),
    },
    {
      label: text.files.ignored,
      value: file.unknown_columns.length === 0 ? null : file.unknown_columns.join(', '),
    },
    { label: text.files.notes, value: file.notes.length === 0 ? null : file.notes.join(' ') },
  ].filter(({ value }) => value !== null && value !== '');
  if (details.length === 0 && file.batches.length === 0) return null;
  return (
    <Panel title={text.files.details} isFlush>
      <Table variant="vertical" layout="fixed">
        <Table.Tbody>
          {details.map(({ label, value }) => (
            <Table.Tr key={label}>
              <Table.Th w={160}>{label}</Table.Th>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
            </Table.Tr>
          ))}
          {file.batches.length === 0 ? null : (
            <Table.Tr>
              <Table.Th w={160}>{text.files.tabBatches}</Table.Th>
              <Table.Td>
                {file.batches.map((uuid) => (
                  <div key={uuid} className="mono">
                    <Link to="/batches/$uuid" params={{ uuid }}>
                      {uuid}
                    </Link>
                  </div>
                ))}
              </Table.Td>
            </Table.Tr>
          )}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}
