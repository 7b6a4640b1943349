import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { Webhook } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { Confirm } from '../frame/confirm.tsx';
import { Icon } from '../frame/icons.tsx';
import { Secret } from '../frame/secret.tsx';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';

/** Tests, pauses, resumes and deletes a webhook, and rotates its secret. */
export function WebhookActions({ webhook }: { readonly webhook: Webhook }) {
  const text = useText();
  const cache = useQueryClient();
  const { onhand } = useActing();
  const { uuid } = webhook;
  const onSettled = async (): Promise<void> => cache.invalidateQueries({ queryKey: ['webhooks'] });
  const testing = useMutation({ mutationFn: async () => onhand.webhooks.test(uuid), onSettled });
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
      <Rotate uuid={uuid} />
      <Delete webhook={webhook} />
    </>
  );
}

function Rotate({ uuid }: { readonly uuid: string }) {
  const text = useText();
  const { onhand } = useActing();
  const [isOpen, { open, close }] = useDisclosure(false);
  const rotating = useMutation({ mutationFn: async () => onhand.webhooks.rotateSecret(uuid) });
  const leave = (): void => {
    close();
    rotating.reset();
  };
  return (
    <>
      <Button variant="default" onClick={open}>
        {text.webhooks.rotate}…
      </Button>
      <Modal opened={isOpen} onClose={leave} title={text.webhooks.rotate}>
        {rotating.data?.secret === undefined ? (
          <Confirm
            what={text.webhooks.rotateWill}
            action={text.webhooks.rotate}
            doing={rotating}
            onCancel={leave}
          />
        ) : (
          <Secret secret={rotating.data.secret} about={text.webhooks.secret} onClose={leave} />
        )}
      </Modal>
    </>
  );
}

function Delete({ webhook: { uuid, url } }: { readonly webhook: Webhook }) {
  const text = useText();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { onhand } = useActing();
  const [isOpen, { open, close }] = useDisclosure(false);
  const deleting = useMutation({
    mutationFn: async () => onhand.webhooks.delete(uuid),
    onSuccess: async () => {
      await navigate({ to: '/webhooks' });
      cache.removeQueries({ queryKey: ['webhooks'] });
    },
  });
  return (
    <>
      <Button variant="default" onClick={open}>
        <span className="bad">{text.webhooks.delete}…</span>
      </Button>
      <Modal opened={isOpen} onClose={close} title={text.webhooks.delete}>
        <Confirm
          what={text.webhooks.deleteWill(url)}
          action={text.webhooks.delete}
          doing={deleting}
          onCancel={close}
        />
      </Modal>
    </>
  );
}
