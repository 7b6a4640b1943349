import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useActing } from '../acting/acting.tsx';
import { DialogForm } from '../frame/dialog-form.tsx';
import { Secret } from '../frame/secret.tsx';
import { useText } from '../language/language.tsx';
import { draftOf, fieldsOf, WebhookInputs } from './webhook-form.tsx';

/** Registers a webhook, and shows its secret the one time that it can be seen. */
export function CreateWebhook({ onClose }: { readonly onClose: () => void }) {
  const text = useText();
  const cache = useQueryClient();
  const { onhand } = useActing();
  const [fields, setFields] = useState(fieldsOf());
  const creating = useMutation({
    mutationFn: async () => onhand.webhooks.create(draftOf(fields)),
    onSuccess: async () => cache.invalidateQueries({ queryKey: ['webhooks'] }),
  });
  if (creating.data?.secret !== undefined) {
    return <Secret secret={creating.data.secret} about={text.webhooks.secret} onClose={onClose} />;
  }
  return (
    <DialogForm action={text.webhooks.create} doing={creating} onCancel={onClose}>
      <WebhookInputs fields={fields} onChange={setFields} />
    </DialogForm>
  );
}
