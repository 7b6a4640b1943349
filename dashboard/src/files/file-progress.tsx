import '@mantine/core/styles/Progress.css';
import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FileWithBatches } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { useFormats, useText } from '../language/language.tsx';

const FULL_PERCENT = 100;

/** How far the server is with a file, and the way to stop it. */
export function FileProgress({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const formats = useFormats();
  const cache = useQueryClient();
  const { onhand } = useActing();
  const stopping = useMutation({
    mutationFn: async () => onhand.files.cancel(file.uuid),
    onSettled: async () => cache.invalidateQueries({ queryKey: ['files'] }),
  });
  const expected = file.rows_expected;
  const percent =
    expected === null || expected === 0
      ? FULL_PERCENT
      : Math.min(FULL_PERCENT, (file.rows / expected) * FULL_PERCENT);
  const message = file.dry_run ? text.files.checking : text.files.applying;
  return (
    <div className="panel panel-body" role="status">
      <Stack gap={8}>
        <Group justify="space-between">
          <Text size="sm" fw={500}>
            {file.state === 'waiting' ? text.files.waiting : message}
          </Text>
          <Group gap={12}>
            <Text size="sm" c="dimmed">
              {text.files.rowsOf(
                formats.number(file.rows),
                expected === null ? null : formats.number(expected),
              )}
            </Text>
            <Button
              variant="default"
              loading={stopping.isPending}
              onClick={() => stopping.mutate()}
            >
              {text.files.stop}
            </Button>
          </Group>
        </Group>
        <Progress
          value={percent}
          animated
          aria-label={file.dry_run ? text.files.checking : text.files.applying}
        />
      </Stack>
    </div>
  );
}
