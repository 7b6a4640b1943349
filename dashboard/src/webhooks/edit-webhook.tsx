import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Webhook } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { DialogForm } from '../frame/dialog-form.tsx';
import { useText } from '../language/language.tsx';
import { draftOf, fieldsOf, WebhookInputs } from './webhook-form.tsx';

/** Changes where a webhook posts to, and which suppliers' changes it gets. */
export function EditWebhook({
  webhook,
  onClose,
}: {
  readonly webhook: Webhook;
  readonly onClose: () => void;
}) {
  const text = useText();
  const cache = useQueryClient();
  const { onhand } = useActing();
  const [fields, setFields] = useState(fieldsOf(webhook));
  const saving = useMutation({
    mutationFn: async () => {
      const { url, ...others } = draftOf(fields);
      // Setting the same URL would resume the webhook's waiting messages.
      const change = url === webhook.url ? others : { url, ...others };
      return onhand.webhooks.change(webhook.uuid, change);
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['webhooks'] });
      onClose();
    },
  });
  return (
    <DialogForm action={text.access.save} doing={saving} onCancel={onClose}>
      <WebhookInputs fields={fields} onChange={setFields} />
    </DialogForm>
  );
}
