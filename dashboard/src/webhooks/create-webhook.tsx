import { TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useActing } from '../acting/acting.tsx';
import { DialogForm } from '../frame/dialog-form.tsx';
import { Secret } from '../frame/secret.tsx';
import { useText } from '../language/language.tsx';

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
  return (
    <DialogForm action={text.webhooks.create} doing={creating} onCancel={onClose}>
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
    </DialogForm>
  );
}
