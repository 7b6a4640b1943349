import { Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { onhand } from '../api/client.ts';
import { DialogForm } from '../frame/dialog-form.tsx';
import { Secret } from '../frame/secret.tsx';
import { useText } from '../language/language.tsx';
import { PermissionChoice, usePermissionsFor } from './permissions.tsx';
import type { Whose } from './queries.ts';

const DAY_MS = 86_400_000;
const LIFETIMES = ['30', '90', '365', 'never'] as const;

/** Creates a token, and shows it the one time that it can be seen. */
export function CreateToken({
  organization,
  onClose,
}: {
  readonly organization: Whose;
  readonly onClose: () => void;
}) {
  const text = useText();
  const cache = useQueryClient();
  const [name, setName] = useState('');
  const [days, setDays] = useState<(typeof LIFETIMES)[number]>('365');
  const [permissions, setPermissions] = useState(usePermissionsFor(organization));
  const creating = useMutation({
    mutationFn: async () => {
      const expires =
        days === 'never' ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString();
      return onhand.tokens.create({ name: name.trim(), permissions, expires }, { organization });
    },
    onSuccess: async () => cache.invalidateQueries({ queryKey: ['access', 'tokens'] }),
  });
  if (creating.data !== undefined) {
    return <Secret secret={creating.data.token} about={text.access.tokenIs} onClose={onClose} />;
  }
  return (
    <DialogForm
      action={text.access.createToken}
      doing={creating}
      isIncomplete={permissions.length === 0}
      onCancel={onClose}
    >
      <TextInput
        label={text.access.name}
        placeholder={text.access.tokenExample}
        required
        withAsterisk={false}
        maxLength={100}
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PermissionChoice organization={organization} value={permissions} onChange={setPermissions} />
      <Select
        label={text.access.expires}
        allowDeselect={false}
        value={days}
        data={LIFETIMES.map((value) => ({ value, label: text.access.lifetimes[value] }))}
        onChange={(value) => setDays(LIFETIMES.find((each) => each === value) ?? '365')}
      />
    </DialogForm>
  );
}
