import '@mantine/core/styles/Radio.css';
import '@mantine/dropzone/styles.css';
import { Alert, Button, Group, Loader, Radio, Stack, Text, TextInput } from '@mantine/core';
import { Dropzone } from '@mantine/dropzone';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useActing } from '../acting/acting.tsx';
import { FileTable } from '../files/file-table.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel, Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { reasonFor } from '../states/states.tsx';
import { sendForCheck } from './sent-files.ts';
import classes from './drop.module.css';

const RECENT_COUNT = 5;
const CONTENTS = ['partial', 'complete', 'catalogue'] as const;
type Content = (typeof CONTENTS)[number];

/** Where a spreadsheet is dropped. It is checked first; nothing is applied here. */
export function Drop() {
  const text = useText();
  const formats = useFormats();
  const navigate = useNavigate();
  const { onhand } = useActing();
  const [content, setContent] = useState<Content>('partial');
  const [reason, setReason] = useState('');
  const openChooser = useRef<() => void>(null);
  const sending = useMutation({
    mutationFn: async (file: File) => {
      const terms = {
        ...(content === 'complete' && { mode: 'snapshot' as const }),
        ...(content === 'catalogue' && { kind: 'catalogue' as const }),
      };
      return sendForCheck(onhand, { file, terms, reason: reason.trim() });
    },
    onSuccess: (uuid) => void navigate({ to: '/drop/$uuid', params: { uuid } }),
  });
  const { variables: file, isPending } = sending;
  return (
    <Screen title={text.frame.screens.drop} subtitle={text.drop.subtitle}>
      <div className={classes['columns']}>
        <Stack gap={10}>
          <Dropzone
            onDrop={([first]) => {
              if (first !== undefined) sending.mutate(first);
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
              <Text size="sm" c="dimmed" ta="center">
                {text.drop.formats}
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
