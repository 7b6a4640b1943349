import { Button, Menu, Modal } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Webhook } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { Confirm } from '../frame/confirm.tsx';
import { Icon } from '../frame/icons.tsx';
import { Secret } from '../frame/secret.tsx';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';
import { EditWebhook } from './edit-webhook.tsx';
import { Recover } from './recover.tsx';

type Dialog = 'edit' | 'recover' | 'rotate' | 'delete';

/** Tests, pauses and resumes a webhook; the menu has what is done more rarely. */
export function WebhookActions({ webhook }: { readonly webhook: Webhook }) {
  const text = useText();
  const cache = useQueryClient();
  const { onhand } = useActing();
  const { uuid } = webhook;
  const [dialog, open] = useState<Dialog>();
  const close = (): void => open(undefined);
  const onSettled = async (): Promise<void> => cache.invalidateQueries({ queryKey: ['webhooks'] });
  const testing = useMutation({
    mutationFn: async () => onhand.webhooks.test(uuid),
    onSuccess: ({ is_delivered: isDelivered, response }) => {
      notifications.show({
        color: isDelivered ? 'pine' : 'red',
        message: isDelivered ? text.webhooks.testDelivered : text.webhooks.testFailed(response),
      });
    },
    onSettled,
  });
  const pausing = useMutation({
    mutationFn: async () => onhand.webhooks.change(uuid, { is_paused: !webhook.is_paused }),
    onSettled,
  });
  const error = testing.error ?? pausing.error;
  return (
    <>
      {error === null ? null : <FailedAlert error={error} />}
      <Button
        leftSection={<Icon name="play" size={14} />}
        loading={testing.isPending}
        onClick={() => testing.mutate()}
      >
        {text.webhooks.test}
      </Button>
      <Button variant="default" loading={pausing.isPending} onClick={() => pausing.mutate()}>
        {webhook.is_paused ? text.webhooks.resume : text.webhooks.pause}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default">{text.webhooks.more}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => open('edit')}>{text.webhooks.edit}…</Menu.Item>
          <Menu.Item onClick={() => open('recover')}>{text.webhooks.recoverTitle}…</Menu.Item>
          <Menu.Item onClick={() => open('rotate')}>{text.webhooks.rotate}…</Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={() => open('delete')}>
            <span className="bad">{text.webhooks.delete}…</span>
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={dialog === 'edit'} onClose={close} title={text.webhooks.edit}>
        <EditWebhook webhook={webhook} onClose={close} />
      </Modal>
      <Modal opened={dialog === 'recover'} onClose={close} title={text.webhooks.recoverTitle}>
        <Recover webhook={webhook} onClose={close} />
      </Modal>
      <Modal opened={dialog === 'rotate'} onClose={close} title={text.webhooks.rotate}>
        <Rotate uuid={uuid} onClose={close} />
      </Modal>
      <Modal opened={dialog === 'delete'} onClose={close} title={text.webhooks.delete}>
        <Delete webhook={webhook} onClose={close} />
      </Modal>
    </>
  );
}

function Rotate({ uuid, onClose }: { readonly uuid: string; readonly onClose: () => void }) {
  const text = useText();
  const { onhand } = useActing();
  const rotating = useMutation({ mutationFn: async () => onhand.webhooks.rotateSecret(uuid) });
  if (rotating.data?.secret !== undefined) {
    return <Secret secret={rotating.data.secret} about={text.webhooks.secret} onClose={onClose} />;
  }
  return (
    <Confirm
      what={text.webhooks.rotateWill}
      action={text.webhooks.rotate}
      doing={rotating}
      onCancel={onClose}
    />
  );
}

function Delete({
  webhook: { uuid, url },
  onClose,
}: {
  readonly webhook: Webhook;
  readonly onClose: () => void;
}) {
  const text = useText();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { onhand } = useActing();
  const deleting = useMutation({
    mutationFn: async () => onhand.webhooks.delete(uuid),
    onSuccess: async () => {
      await navigate({ to: '/webhooks' });
      cache.removeQueries({ queryKey: ['webhooks'] });
    },
  });
  return (
    <Confirm
      what={text.webhooks.deleteWill(url)}
      action={text.webhooks.delete}
      doing={deleting}
      onCancel={onClose}
    />
  );
}
