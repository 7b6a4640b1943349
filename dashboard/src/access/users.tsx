import {
  Badge,
  Button,
  Modal,
  PasswordInput,
  Table,
  TextInput,
  VisuallyHidden,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { User } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';
import { useSession } from '../api/session.ts';
import { Instant } from '../format/time.tsx';
import { Confirm } from '../frame/confirm.tsx';
import { DialogForm } from '../frame/dialog-form.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { Nothing } from '../states/states.tsx';
import { PermissionChoice, Permissions, usePermissionsFor } from './permissions.tsx';
import { usersQuery, type Whose } from './queries.ts';

/** The users of an organization. */
export function UserList({ organization }: { readonly organization: Whose }) {
  const text = useText();
  const [isCreating, creation] = useDisclosure(false);
  const [changing, setChanging] = useState<User>();
  const session = useSession();
  const query = useQuery(usersQuery(organization));
  const leave = (): void => setChanging(undefined);
  return (
    <Panel
      title={text.access.usersTitle}
      isFlush
      actions={
        <Button leftSection={<Icon name="plus" />} onClick={creation.open}>
          {text.access.createUser}
        </Button>
      }
    >
      <QueryTable
        query={query}
        rows={query.data?.users}
        nothing={<Nothing title={text.access.noUsers} />}
        minWidth={560}
        head={
          <>
            <Table.Th>{text.access.username}</Table.Th>
            <Table.Th>{text.access.state}</Table.Th>
            <Table.Th>{text.access.may}</Table.Th>
            <Table.Th>{text.access.created}</Table.Th>
            <Table.Th>
              <VisuallyHidden>{text.access.actions}</VisuallyHidden>
            </Table.Th>
          </>
        }
        row={(user) => (
          <Table.Tr key={user.uuid}>
            <Table.Td fw={500}>{user.username}</Table.Td>
            <Table.Td>
              <Badge color="gray" className={user.disabled === null ? 'badge-good' : 'badge-bad'}>
                {user.disabled === null ? text.access.active : text.access.disabled}
              </Badge>
            </Table.Td>
            <Table.Td>
              <Permissions permissions={user.permissions} />
            </Table.Td>
            <Table.Td>
              <Instant time={user.created} />
            </Table.Td>
            <Table.Td className="number">
              {user.username === session.username ? null : (
                <Button
                  variant="default"
                  aria-label={`${user.disabled === null ? text.access.disable : text.access.enable}: ${user.username}`}
                  onClick={() => setChanging(user)}
                >
                  {user.disabled === null ? text.access.disable : text.access.enable}…
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        )}
      />
      <Modal opened={isCreating} onClose={creation.close} title={text.access.createUser}>
        <CreateUser organization={organization} onClose={creation.close} />
      </Modal>
      <Modal opened={changing !== undefined} onClose={leave} title={changing?.username}>
        {changing === undefined ? null : (
          <SetDisabled user={changing} organization={organization} onClose={leave} />
        )}
      </Modal>
    </Panel>
  );
}

interface Closing {
  readonly organization: Whose;
  readonly onClose: () => void;
}

function SetDisabled({ user, organization, onClose }: Closing & { readonly user: User }) {
  const text = useText();
  const cache = useQueryClient();
  const isEnabled = user.disabled === null;
  const changing = useMutation({
    mutationFn: async () =>
      onhand.users.change(user.uuid, { disabled: isEnabled }, { organization }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['access', 'users'] });
      onClose();
    },
  });
  return (
    <Confirm
      what={
        isEnabled ? text.access.disableWill(user.username) : text.access.enableWill(user.username)
      }
      action={isEnabled ? text.access.disable : text.access.enable}
      doing={changing}
      onCancel={onClose}
    />
  );
}

function CreateUser({ organization, onClose }: Closing) {
  const text = useText();
  const cache = useQueryClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [permissions, setPermissions] = useState(usePermissionsFor(organization));
  const creating = useMutation({
    mutationFn: async () =>
      onhand.users.create({ username: username.trim(), password, permissions }, { organization }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['access', 'users'] });
      onClose();
    },
  });
  return (
    <DialogForm
      action={text.access.createUser}
      doing={creating}
      isIncomplete={permissions.length === 0}
      onCancel={onClose}
    >
      <TextInput
        label={text.access.username}
        autoComplete="off"
        required
        withAsterisk={false}
        data-autofocus
        value={username}
        onChange={(event) => setUsername(event.currentTarget.value)}
      />
      <PasswordInput
        label={text.access.firstPassword}
        description={text.logIn.setUpPasswordHint}
        autoComplete="new-password"
        required
        withAsterisk={false}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      <PermissionChoice organization={organization} value={permissions} onChange={setPermissions} />
    </DialogForm>
  );
}
