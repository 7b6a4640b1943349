import { Alert, Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { OnhandError } from '../../../client/src/index.ts';
import { demoLoginsQuery, logIn } from '../api/session.ts';
import { useText } from '../language/language.tsx';
import { reasonFor } from '../states/states.tsx';
import { Card } from './card.tsx';
import classes from './log-in.module.css';

/** Shown in place of any screen to those who are not logged in; the address stays. */
export default function LogIn() {
  const text = useText();
  const cache = useQueryClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const demo = useQuery(demoLoginsQuery);
  const entering = useMutation({
    mutationFn: async (login: { readonly username: string; readonly password: string }) =>
      logIn(cache, login),
  });
  useEffect(() => {
    document.title = `${text.logIn.title} · onhand`;
  }, [text]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    entering.mutate({ username, password });
  };
  const logins = demo.data ?? [];
  return (
    <Card title={text.logIn.title}>
      {logins.length === 0 ? null : (
        <Stack gap={8}>
          <Text size="sm" fw={600}>
            {text.logIn.demoTitle}
          </Text>
          <Text size="sm" c="dimmed">
            {text.logIn.demoText}
          </Text>
          {logins.map((login) => (
            <Button
              key={login.username}
              variant="default"
              size="sm"
              justify="flex-start"
              onClick={() => entering.mutate(login)}
              disabled={entering.isPending}
            >
              <span>{text.frame.types[login.type]}</span>
              <span className={classes['of']}>{text.logIn.demoAs(login.organization)}</span>
            </Button>
          ))}
          <Divider my={6} />
        </Stack>
      )}
      <form onSubmit={submit}>
        <Stack gap={12}>
          <TextInput
            size="sm"
            label={text.logIn.username}
            autoComplete="username"
            autoFocus={logins.length === 0}
            required
            withAsterisk={false}
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <PasswordInput
            label={text.logIn.password}
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {entering.error === null ? null : (
            <Alert color="red" role="alert">
              {isWrong(entering.error) ? text.logIn.wrong : reasonFor(entering.error)}
            </Alert>
          )}
          <Button type="submit" size="sm" loading={entering.isPending}>
            {text.logIn.submit}
          </Button>
        </Stack>
      </form>
    </Card>
  );
}

function isWrong(error: Error): boolean {
  return error instanceof OnhandError && error.code === 'login_failed';
}
