import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useActing } from '../acting/acting.tsx';
import { Secret } from '../frame/secret.tsx';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';

/** Registers a webhook, and shows its secret the one time that it can be seen. */
export function CreateWebhook({ onClose }: { readonly onClose: () => void }) {
  const text = useText();
  const cache = useQueryClient();
  const { onhand } = useActing();
  const [url, setUrl] = useState('');
  const [description, setDescription] = useState('');
  const creating = useMutation({
    mutationFn: async () => {
      const about = description.trim();
      return onhand.webhooks.create({ url: url.trim(), description: about === '' ? null : about });
    },
    onSuccess: async () => cache.invalidateQueries({ queryKey: ['webhooks'] }),
  });
  if (creating.data?.secret !== undefined) {
    return <Secret secret={creating.data.secret} about={text.webhooks.secret} onClose={onClose} />;
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    creating.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap={12}>
        <TextInput
          label={text.webhooks.url}
          description={text.webhooks.urlHint}
          placeholder="https://example.com/hook"
          type="url"
          required
          withAsterisk={false}
          data-autofocus
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
        <TextInput
          label={text.webhooks.description}
          maxLength={256}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        {creating.error === null ? null : <FailedAlert error={creating.error} />}
        <Group justify="flex-end" gap={8}>
          <Button variant="default" onClick={onClose}>
            {text.states.cancel}
          </Button>
          <Button type="submit" loading={creating.isPending}>
            {text.webhooks.create}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
