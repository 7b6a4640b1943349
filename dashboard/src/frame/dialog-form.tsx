import { Button, Group, Stack } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';

/** The form of a dialog: its fields, why the server refused them, and the buttons that cancel and submit. */
export function DialogForm({
  action,
  doing,
  isIncomplete = false,
  onCancel,
  children,
}: {
  /** The text of the button that submits. */
  readonly action: string;
  readonly doing: {
    readonly mutate: () => void;
    readonly isPending: boolean;
    readonly error: Error | null;
  };
  /** The form cannot be submitted yet, for a reason that the browser does not check. */
  readonly isIncomplete?: boolean;
  readonly onCancel: () => void;
  readonly children: ReactNode;
}) {
  const text = useText();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    doing.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap={14}>
        {children}
        {doing.error === null ? null : <FailedAlert error={doing.error} />}
        <Group justify="flex-end" gap={8}>
          <Button variant="default" onClick={onCancel}>
            {text.states.cancel}
          </Button>
          <Button type="submit" loading={doing.isPending} disabled={isIncomplete}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
