import '@mantine/core/styles/Radio.css';
import '@mantine/dropzone/styles.css';
import {
  Alert,
  Button,
  Group,
  Loader,
  Progress,
  Radio,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useActing } from '../acting/acting.tsx';
import { clientWithProgress } from '../api/client.ts';
import { isUnauthenticated, useSession } from '../api/session.ts';
import { FileTable } from '../files/file-table.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel, Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { reasonFor } from '../states/states.tsx';
import { type Dropped, keepInterrupted, takeInterrupted } from './interrupted.ts';
import classes from './drop.module.css';

const RECENT_COUNT = 5;
const CONTENTS = ['partial', 'complete', 'catalogue'] as const;
type Content = (typeof CONTENTS)[number];

/** Where a spreadsheet is dropped. It is checked first; nothing is applied here. */
export function Drop() {
  const text = useText();
  const formats = useFormats();
  const navigate = useNavigate();
  const { supplier } = useActing();
  const { username } = useSession();
  const owner = `${username} ${supplier ?? ''}`;
  const [interrupted, setInterrupted] = useState(() => takeInterrupted(owner));
  const [sent, setSent] = useState(0);
  const [content, setContent] = useState<Content>('partial');
  const [reason, setReason] = useState('');
  const openChooser = useRef<() => void>(null);
  const sending = useMutation({
    mutationFn: async ({ file, terms, reason: why }: Dropped) => {
      setSent(0);
      setInterrupted(undefined);
      return clientWithProgress(supplier, setSent).files.upload(file, {
        filename: file.name,
        terms: { ...terms, dry_run: true },
        ...(why !== '' && { reason: why }),
      });
    },
    onError: (error, dropped) => {
      if (isUnauthenticated(error)) keepInterrupted(dropped, owner);
    },
    onSuccess: (uuid) => void navigate({ to: '/drop/$uuid', params: { uuid } }),
  });
  const { variables, isPending } = sending;
  const file = variables?.file;
  const termsOf = (chosen: Content): Dropped['terms'] => ({
    ...(chosen === 'complete' && { mode: 'snapshot' as const }),
    ...(chosen === 'catalogue' && { kind: 'catalogue' as const }),
  });
  return (
    <Screen title={text.frame.screens.drop} subtitle={text.drop.subtitle}>
      <div className={classes['columns']}>
        <Stack gap={10}>
          {interrupted === undefined ? null : (
            <Alert
              color="yellow"
              role="alert"
              icon={<Icon name="warning" />}
              title={text.drop.interrupted(interrupted.file.name)}
            >
              <Stack gap={8} align="flex-start">
                <Text size="sm">{text.drop.interruptedText}</Text>
                <Button onClick={() => sending.mutate(interrupted)}>{text.drop.sendAgain}</Button>
              </Stack>
            </Alert>
          )}
          <Dropzone
            onDrop={([first]) => {
              if (first === undefined) return;
              sending.mutate({ file: first, terms: termsOf(content), reason: reason.trim() });
            }}
            multiple={false}
            disabled={isPending}
            className={classes['zone'] ?? ''}
            openRef={openChooser}
            activateOnKeyboard={false}
            inputProps={{ 'aria-label': text.drop.choose }}
          >
            <Stack align="center" gap={8}>
              {isPending ? <Loader size="md" /> : <Icon name="upload" size={36} />}
              <Text size="lg" fw={600}>
                {isPending && file !== undefined
                  ? text.drop.sending(file.name, formats.bytes(file.size))
                  : text.drop.here}
              </Text>
              {isPending ? (
                <Progress.Root w="70%" size="sm">
                  <Progress.Section value={sent * 100} aria-label={text.drop.sent} />
                </Progress.Root>
              ) : null}
              <Text size="sm" c="dimmed" ta="center" role={isPending ? 'status' : undefined}>
                {isPending ? text.drop.sentShare(formats.share(sent)) : text.drop.formats}
              </Text>
              <Button
                mt={6}
                className={classes['choose'] ?? ''}
                disabled={isPending}
                onClick={(event) => {
                  // The zone opens the same dialog.
                  event.stopPropagation();
                  openChooser.current?.();
                }}
              >
                {text.drop.choose}
              </Button>
            </Stack>
          </Dropzone>
          {sending.error === null ? null : (
            <Alert color="red" role="alert" icon={<Icon name="warning" />}>
              {reasonFor(sending.error)}
            </Alert>
          )}
        </Stack>
        <Panel title={text.drop.contains}>
          <Stack gap={14}>
            <Radio.Group
              aria-label={text.drop.contains}
              value={content}
              onChange={(value) => setContent(CONTENTS.find((each) => each === value) ?? 'partial')}
            >
              <Stack gap={12}>
                {CONTENTS.map((each) => (
                  <Radio
                    key={each}
                    size="xs"
                    value={each}
                    label={text.drop.contents[each]}
                    description={text.drop.contentHints[each]}
                  />
                ))}
              </Stack>
            </Radio.Group>
            <TextInput
              label={text.drop.reason}
              placeholder={text.drop.reasonExample}
              maxLength={256}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
            <Group gap={8} wrap="nowrap" align="flex-start" className="good">
              <Icon name="check" />
              <Text size="xs">{text.drop.safe}</Text>
            </Group>
          </Stack>
        </Panel>
      </div>
      <Panel title={text.drop.recent} isFlush>
        <FileTable limit={RECENT_COUNT} />
      </Panel>
    </Screen>
  );
}
