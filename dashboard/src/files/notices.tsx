import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FileWithBatches } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { Icon } from '../frame/icons.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';
import { countsOf } from './queries.ts';

/** What needs to be known of a file that was not simply applied: why, and what to do. */
export function FileNotice({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  if (file.state === 'done') return file.dry_run ? <NothingApplied /> : <Applied file={file} />;
  if (file.state === 'held') return file.questions.length > 0 ? null : <Held file={file} />;
  if (file.problem === null) return null;
  const isStopped = file.problem.code === 'breaker_tripped';
  const titles = {
    refused: isStopped ? text.files.stoppedTitle : text.files.refusedTitle,
    failed: text.files.failedTitle,
    canceled: text.files.canceledTitle,
    waiting: text.files.stuckTitle,
    reading: text.files.stuckTitle,
  } as const;
  return (
    <Alert
      color={isStopped ? 'yellow' : 'red'}
      role="alert"
      icon={<Icon name="warning" />}
      title={titles[file.state]}
    >
      <Text size="sm">{file.problem.detail}</Text>
    </Alert>
  );
}

function NothingApplied() {
  const text = useText();
  return (
    <Alert color="gray" icon={<Icon name="flask" />} py={8}>
      <Text size="sm">{text.check.nothingApplied}</Text>
    </Alert>
  );
}

function Applied({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const formats = useFormats();
  const { applied, failed } = countsOf(file.status_counts);
  return (
    <Alert
      color={failed > 0 ? 'yellow' : 'green'}
      role="status"
      icon={<Icon name={failed > 0 ? 'warning' : 'check'} />}
      py={8}
    >
      <Text size="sm">
        {text.files.appliedRows(formats.number(applied), formats.isOne(applied))}{' '}
        {failed > 0 ? text.files.failedRows(formats.number(failed), formats.isOne(failed)) : null}
      </Text>
    </Alert>
  );
}

/** The safety limit stopped it: confirming applies it. */
function Held({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const cache = useQueryClient();
  const { onhand } = useActing();
  const onSettled = async (): Promise<void> => cache.invalidateQueries({ queryKey: ['files'] });
  const confirming = useMutation({
    mutationFn: async () => onhand.files.confirm(file.uuid),
    onSettled,
  });
  const canceling = useMutation({
    mutationFn: async () => onhand.files.cancel(file.uuid),
    onSettled,
  });
  return (
    <Alert
      color="yellow"
      role="alert"
      icon={<Icon name="warning" />}
      title={text.files.stoppedTitle}
    >
      <Stack gap={10}>
        <Text size="sm">{file.problem?.detail}</Text>
        <Group gap={8}>
          <Button color="red" loading={confirming.isPending} onClick={() => confirming.mutate()}>
            {text.files.confirm}
          </Button>
          <Button
            variant="default"
            loading={canceling.isPending}
            onClick={() => canceling.mutate()}
          >
            {text.files.discard}
          </Button>
        </Group>
        {confirming.error === null ? null : <FailedAlert error={confirming.error} />}
      </Stack>
    </Alert>
  );
}
