import { Alert, Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { jsonRequest } from '../../../client/src/json-request.ts';
import { transport } from '../api/client.ts';
import { logIn, useSession } from '../api/session.ts';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { FailedAlert } from '../states/states.tsx';
import { PASSWORD_PATH } from './queries.ts';

const PASSWORD_LENGTH_MIN = 12;

/** Changes the password of the user. All its other sessions end. */
export function Password() {
  const text = useText();
  const cache = useQueryClient();
  const { username } = useSession();
  const [password, setPassword] = useState('');
  const [next, setNext] = useState('');
  const changing = useMutation({
    mutationFn: async () => {
      const change = { username, password, new_password: next };
      await transport.none(jsonRequest('POST', PASSWORD_PATH, change));
      // The change ended this session too.
      await logIn(cache, { username, password: next });
    },
    onSuccess: () => {
      setPassword('');
      setNext('');
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    changing.mutate();
  };
  return (
    <Panel title={text.access.passwordTitle}>
      <form onSubmit={submit}>
        <Stack gap={14} maw={360}>
          <Text size="sm" c="dimmed">
            {text.access.passwordWill}
          </Text>
          <PasswordInput
            label={text.access.currentPassword}
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <PasswordInput
            label={text.access.newPassword}
            description={text.logIn.setUpPasswordHint}
            autoComplete="new-password"
            minLength={PASSWORD_LENGTH_MIN}
            required
            withAsterisk={false}
            value={next}
            onChange={(event) => setNext(event.currentTarget.value)}
          />
          {changing.error === null ? null : <FailedAlert error={changing.error} />}
          {changing.isSuccess ? (
            <Alert color="green" role="status" py={8}>
              {text.access.passwordChanged}
            </Alert>
          ) : null}
          <Button type="submit" size="sm" loading={changing.isPending}>
            {text.access.changePassword}
          </Button>
        </Stack>
      </form>
    </Panel>
  );
}
