import { Button, Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';

/** Says what an action will do, before it is done. */
export function Confirm({
  what,
  action,
  doing,
  onCancel,
}: {
  readonly what: ReactNode;
  readonly action: string;
  readonly doing: {
    readonly mutate: () => void;
    readonly isPending: boolean;
    readonly error: Error | null;
  };
  readonly onCancel: () => void;
}) {
  const text = useText();
  return (
    <Stack gap={14}>
      <Text size="sm" component="div">
        {what}
      </Text>
      {doing.error === null ? null : <FailedAlert error={doing.error} />}
      <Group justify="flex-end" gap={8}>
        <Button variant="default" onClick={onCancel} data-autofocus>
          {text.states.cancel}
        </Button>
        <Button color="red" loading={doing.isPending} onClick={() => doing.mutate()}>
          {action}
        </Button>
      </Group>
    </Stack>
  );
}
