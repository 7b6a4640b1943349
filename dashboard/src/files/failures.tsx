import { Button, Code, Group, Table } from '@mantine/core';
import type { FileEffects, FileWithBatches } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { FILES_PATH } from './queries.ts';

/** Why rows failed, grouped by reason, and the failed rows alone to mend and send again. */
export function Failures({
  file,
  failures,
}: {
  readonly file: FileWithBatches;
  readonly failures: FileEffects['failures'];
}) {
  const text = useText();
  const formats = useFormats();
  const { linkTo } = useActing();
  const linkAs = (kind: string): string => linkTo(`${FILES_PATH}${file.uuid}/failed.${kind}`);
  return (
    <Panel
      title={text.failures.title}
      isFlush
      actions={
        <Group gap={6}>
          <span className="muted">{text.failures.mend}</span>
          {(['csv', 'xlsx'] as const).map((kind) => (
            <Button
              key={kind}
              component="a"
              href={linkAs(kind)}
              download
              variant="default"
              leftSection={<Icon name="download" size={14} />}
              aria-label={text.failures.download(kind.toUpperCase())}
            >
              {kind.toUpperCase()}
            </Button>
          ))}
        </Group>
      }
    >
      <Table.ScrollContainer minWidth={460}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={70} className="number">
                {text.failures.rows}
              </Table.Th>
              <Table.Th>{text.failures.reason}</Table.Th>
              <Table.Th>{text.failures.example}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {failures.map((failure) => (
              <Table.Tr key={`${failure.status_code} ${failure.reason}`}>
                <Table.Td className="number bad">{formats.number(failure.count)}</Table.Td>
                <Table.Td fw={500}>{failure.reason}</Table.Td>
                <Table.Td className="muted">
                  {/^Row \d/.test(failure.example_message)
                    ? null
                    : `${text.failures.inRow(formats.number(failure.example_row))} `}
                  {failure.example_message} <Candidates ids={failure.candidates} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  );
}

/** The SKUs that a row may mean. */
export function Candidates({ ids }: { readonly ids: readonly string[] }) {
  const text = useText();
  if (ids.length === 0) return null;
  return (
    <span>
      {text.failures.didYouMean}{' '}
      {ids.map((id) => (
        <Code key={id} mr={4}>
          {id}
        </Code>
      ))}
    </span>
  );
}
