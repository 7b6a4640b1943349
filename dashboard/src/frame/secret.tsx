import { Alert, Button, Code, CopyButton, Group, Stack } from '@mantine/core';
import { useText } from '../language/language.tsx';
import { Icon } from './icons.tsx';

/** A secret that the server shows once: it can be copied, and then it is gone. */
export function Secret({
  secret,
  about,
  onClose,
}: {
  readonly secret: string;
  /** What it is for. */
  readonly about: string;
  readonly onClose: () => void;
}) {
  const text = useText();
  return (
    <Stack gap={12}>
      <Alert color="yellow" icon={<Icon name="key" />} py={8}>
        {about} {text.secret.once}
      </Alert>
      <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
        {secret}
      </Code>
      <Group justify="flex-end" gap={8}>
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button
              variant={copied ? 'light' : 'filled'}
              leftSection={<Icon name={copied ? 'check' : 'copy'} size={14} />}
              onClick={copy}
              data-autofocus
            >
              {copied ? text.secret.copied : text.secret.copy}
            </Button>
          )}
        </CopyButton>
        <Button variant="default" onClick={onClose}>
          {text.states.close}
        </Button>
      </Group>
    </Stack>
  );
}
