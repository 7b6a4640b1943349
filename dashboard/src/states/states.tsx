import {
  Alert,
  Anchor,
  Button,
  Center,
  EmptyState,
  Loader,
  Skeleton,
  Stack,
  Text,
} from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { OnhandError } from '../../../client/src/index.ts';
import { useSession } from '../api/session.ts';
import { Icon } from '../frame/icons.tsx';
import { useText } from '../language/language.tsx';

/** A whole screen or panel waits for its first data. */
export function Loading() {
  const text = useText();
  return (
    <Center mih={160} role="status" aria-label={text.states.loading}>
      <Loader size="sm" type="dots" />
    </Center>
  );
}

/** Rows that wait for their data, as high as they will be. */
export function LoadingRows({ rows = 5 }: { readonly rows?: number }) {
  const text = useText();
  return (
    <Stack gap={10} role="status" aria-label={text.states.loading}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={14} width={`${92 - ((row * 17) % 40)}%`} />
      ))}
    </Stack>
  );
}

/** There is nothing to show, and that is no error. */
export function Nothing({
  title,
  children,
  action,
}: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}) {
  return (
    <EmptyState
      icon={<Icon name="box" size={28} />}
      size="sm"
      py="xl"
      title={title}
      description={children}
    >
      {action === undefined ? null : <EmptyState.Actions>{action}</EmptyState.Actions>}
    </EmptyState>
  );
}

/** Something could not be read or done: what, why, and how to go on. */
export function Failed({
  error,
  onRetry,
}: {
  readonly error: unknown;
  readonly onRetry?: () => void;
}) {
  if (error instanceof OnhandError && error.status === 403) return <NoPermission />;
  if (error instanceof OnhandError && error.status === 404) return <NotFound />;
  return <FailedAlert error={error} {...(onRetry !== undefined && { onRetry })} />;
}

/** Shows an error in a box. It also works without a session. */
export function FailedAlert({
  error,
  onRetry,
}: {
  readonly error: unknown;
  readonly onRetry?: () => void;
}) {
  const text = useText();
  const isDisconnected = error instanceof OnhandError && error.status === 0;
  return (
    <Alert
      color="red"
      role="alert"
      icon={<Icon name="warning" />}
      title={isDisconnected ? text.states.disconnectedTitle : text.states.failedTitle}
    >
      <Stack gap={6} align="flex-start">
        <Text size="sm">{isDisconnected ? text.states.disconnectedText : reasonFor(error)}</Text>
        {error instanceof OnhandError && error.requestId !== undefined ? (
          <Text size="xs" className="mono">
            {text.states.request(error.requestId)}
          </Text>
        ) : null}
        {onRetry === undefined ? null : (
          <Button variant="default" onClick={onRetry}>
            {text.states.retry}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** What the server said was wrong, for people. */
export function reasonFor(error: unknown): string {
  if (error instanceof OnhandError) return error.detail;
  return error instanceof Error ? error.message : String(error);
}

export function NoPermission() {
  const text = useText();
  const { username } = useSession();
  return (
    <EmptyState
      icon={<Icon name="lock" size={28} />}
      size="sm"
      py="xl"
      title={text.states.noPermissionTitle}
      description={text.states.noPermissionText(username)}
    />
  );
}

export function NotFound() {
  const text = useText();
  return (
    <EmptyState
      icon={<Icon name="search" size={28} />}
      size="sm"
      py="xl"
      title={text.states.notFoundTitle}
      description={text.states.notFoundText}
    >
      <EmptyState.Actions>
        <Anchor component={Link} to="/">
          {text.states.toOverview}
        </Anchor>
      </EmptyState.Actions>
    </EmptyState>
  );
}
