import { Alert, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { setUp } from '../api/session.ts';
import { useText } from '../language/language.tsx';
import { reasonFor } from '../states/states.tsx';
import { Card } from './card.tsx';

/** The first run: creates the operator and its first user. The secret of the link stays in the browser's address. */
export default function SetUp({ onDone }: { readonly onDone: () => void }) {
  const text = useText();
  const cache = useQueryClient();
  const [organization, setOrganization] = useState('');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [secret] = useState(() => window.location.hash.slice(1));
  const creating = useMutation({
    mutationFn: async () => setUp(cache, { secret, organization, username, password }),
    onSuccess: onDone,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    creating.mutate();
  };
  if (secret === '') {
    return (
      <Card title={text.logIn.setUpTitle}>
        <Alert color="red">{text.logIn.setUpNoSecret}</Alert>
      </Card>
    );
  }
  return (
    <Card title={text.logIn.setUpTitle}>
      <Text size="sm" c="dimmed">
        {text.logIn.setUpText}
      </Text>
      <form onSubmit={submit}>
        <Stack gap={12}>
          <TextInput
            size="sm"
            label={text.logIn.setUpOrganization}
            required
            withAsterisk={false}
            value={organization}
            onChange={(event) => setOrganization(event.currentTarget.value)}
          />
          <TextInput
            size="sm"
            label={text.logIn.username}
            autoComplete="username"
            required
            withAsterisk={false}
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <PasswordInput
            label={text.logIn.password}
            description={text.logIn.setUpPasswordHint}
            autoComplete="new-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {creating.error === null ? null : (
            <Alert color="red" role="alert">
              {reasonFor(creating.error)}
            </Alert>
          )}
          <Button type="submit" size="sm" loading={creating.isPending}>
            {text.logIn.setUpSubmit}
          </Button>
        </Stack>
      </form>
    </Card>
  );
}
