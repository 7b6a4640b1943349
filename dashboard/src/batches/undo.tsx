import { Alert, Button, Checkbox, Code, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { FileRevert, RevertReply } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { Icon } from '../frame/icons.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { FailedAlert, LoadingRows } from '../states/states.tsx';

interface Undone {
  readonly kind: 'file' | 'batch';
  readonly uuid: string;
}

/** Undoes a file or a batch, once its reader has seen what that will do. */
export function UndoButton({ kind, uuid, label }: Undone & { readonly label: string }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button variant="default" leftSection={<Icon name="undo" size={14} />} onClick={open}>
        {label}…
      </Button>
      <Modal opened={isOpen} onClose={close} title={label} size="md">
        <UndoPreview kind={kind} uuid={uuid} onDone={close} />
      </Modal>
    </>
  );
}

function UndoPreview({ kind, uuid, onDone }: Undone & { readonly onDone: () => void }) {
  const text = useText();
  const formats = useFormats();
  const cache = useQueryClient();
  const { onhand, scope } = useActing();
  const [force, setForce] = useState(false);
  const undo = async (dryRun: boolean): Promise<FileRevert | RevertReply> =>
    kind === 'file'
      ? onhand.files.undo(uuid, { dryRun, force })
      : onhand.batches.undo(uuid, { dryRun, force });
  const preview = useQuery({
    queryKey: ['undo', scope, kind, uuid, force],
    queryFn: async () => undo(true),
    staleTime: 0,
    gcTime: 0,
  });
  const undoing = useMutation({
    mutationFn: async () => undo(false),
    onSuccess: ({ reverted }) => {
      notifications.show({
        color: 'pine',
        message: text.undo.done(formats.number(reverted), formats.isOne(reverted)),
      });
      onDone();
    },
    onSettled: async () => cache.invalidateQueries({ queryKey: ['batches'] }),
  });
  if (preview.error !== null) return <FailedAlert error={preview.error} />;
  if (preview.data === undefined) return <LoadingRows rows={3} />;
  const { reverted, moved_on: movedOn, confirmed } = preview.data;
  const ids = 'sku_ids' in preview.data ? preview.data.sku_ids.reverted : [];
  return (
    <Stack gap={14}>
      <Text size="sm">{text.undo.will(formats.number(reverted), formats.isOne(reverted))}</Text>
      <SkuIds ids={ids} total={reverted} />
      {movedOn > 0 ? (
        <Alert color="yellow" py={8}>
          {text.undo.movedOn(formats.number(movedOn), formats.isOne(movedOn))}
        </Alert>
      ) : null}
      {confirmed > 0 || force ? (
        <Checkbox
          size="xs"
          label={text.undo.force(formats.number(confirmed), formats.isOne(confirmed))}
          checked={force}
          onChange={(event) => setForce(event.currentTarget.checked)}
        />
      ) : null}
      <Text size="xs" c="dimmed">
        {text.undo.isBatch}
      </Text>
      {undoing.error === null ? null : <FailedAlert error={undoing.error} />}
      <Group justify="flex-end" gap={8}>
        <Button variant="default" onClick={onDone}>
          {text.states.cancel}
        </Button>
        <Button
          color="red"
          disabled={reverted === 0}
          loading={undoing.isPending}
          onClick={() => undoing.mutate()}
        >
          {text.undo.confirm(formats.number(reverted), formats.isOne(reverted))}
        </Button>
      </Group>
    </Stack>
  );
}

const IDS_SHOWN = 12;

function SkuIds({ ids, total }: { readonly ids: readonly string[]; readonly total: number }) {
  const text = useText();
  const formats = useFormats();
  if (ids.length === 0) return null;
  const shown = ids.slice(0, IDS_SHOWN);
  return (
    <Group gap={4}>
      {shown.map((id) => (
        <Code key={id}>{id}</Code>
      ))}
      {total > shown.length ? (
        <Text size="xs" c="dimmed">
          {text.undo.andMore(formats.number(total - shown.length))}
        </Text>
      ) : null}
    </Group>
  );
}
