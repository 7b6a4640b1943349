import { TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Webhook } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { localTime } from '../format/local-time.ts';
import { DialogForm } from '../frame/dialog-form.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';

const DAY_MS = 24 * 60 * 60_000;

/** Delivers all changes since a time again, once the reader has seen how many these are. */
export function Recover({
  webhook: { uuid, is_paused: isPaused },
  onClose,
}: {
  readonly webhook: Webhook;
  readonly onClose: () => void;
}) {
  const text = useText();
  const formats = useFormats();
  const cache = useQueryClient();
  const { onhand, scope } = useActing();
  const [chosen, choose] = useState(() => localTime(new Date(Date.now() - DAY_MS)));
  const since = chosen === '' ? '' : new Date(chosen).toISOString();
  const plan = useQuery({
    queryKey: ['webhooks', scope, uuid, 'recovery', since],
    queryFn: async ({ signal }) => onhand.webhooks.recover(uuid, since, { isDryRun: true, signal }),
    enabled: since !== '',
    staleTime: 0,
    gcTime: 0,
  });
  const recovering = useMutation({
    mutationFn: async () => onhand.webhooks.recover(uuid, since),
    onSuccess: ({ changes }) => {
      const count = formats.number(changes);
      notifications.show({
        color: 'pine',
        message: text.webhooks.recovered(count, formats.isOne(changes)),
      });
      onClose();
    },
    onSettled: async () => cache.invalidateQueries({ queryKey: ['webhooks'] }),
  });
  const changes = plan.data?.changes;
  return (
    <DialogForm
      action={text.webhooks.recover}
      doing={recovering}
      isIncomplete={changes === undefined || changes === 0}
      onCancel={onClose}
    >
      <div>{text.webhooks.recoverWill}</div>
      <TextInput
        type="datetime-local"
        label={text.webhooks.since}
        max={localTime(new Date())}
        required
        withAsterisk={false}
        value={chosen}
        onChange={(event) => choose(event.currentTarget.value)}
      />
      {plan.error === null ? null : <FailedAlert error={plan.error} />}
      <div role="status">
        {changes === undefined
          ? null
          : text.webhooks.recoverCount(formats.number(changes), formats.isOne(changes))}{' '}
        {isPaused ? text.webhooks.recoverPaused : null}
      </div>
    </DialogForm>
  );
}
