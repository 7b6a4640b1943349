import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';

const SHOWN_MS = 10_000;

/** Says in a corner what was done, with a way to undo it. A newer notice with the same id replaces it. */
export function showNotice({
  id,
  message,
  action,
  onAction,
  isError = false,
}: {
  readonly id: string;
  readonly message: string;
  readonly action?: string;
  readonly onAction?: () => void;
  readonly isError?: boolean;
}): void {
  notifications.hide(id);
  notifications.show({
    id,
    color: isError ? 'red' : 'pine',
    autoClose: SHOWN_MS,
    role: isError ? 'alert' : 'status',
    message: (
      <Group justify="space-between" wrap="nowrap">
        <span>{message}</span>
        {action === undefined ? null : (
          <Button variant="light" size="compact-xs" onClick={onAction}>
            {action}
          </Button>
        )}
      </Group>
    ),
  });
}

export function dismissNotice(id: string): void {
  notifications.hide(id);
}
