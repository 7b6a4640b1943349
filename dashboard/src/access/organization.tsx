import { Anchor, Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { Organization as Facts } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';
import { useSession } from '../api/session.ts';
import { Confirm } from '../frame/confirm.tsx';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { Failed, LoadingRows, NoPermission, NotFound } from '../states/states.tsx';
import { ConnectionList } from './connections.tsx';
import { Limits } from './limits.tsx';
import { organizationsQuery } from './queries.ts';
import { TokenList } from './tokens.tsx';
import { UserList } from './users.tsx';

/** One organization, for operators: its limits, connections, users and tokens. */
export function Organization() {
  const text = useText();
  const session = useSession();
  const { uuid = '' } = useParams({ strict: false });
  const isOperator = session.organization.type === 'operator';
  const { data, error, refetch } = useQuery({ ...organizationsQuery, enabled: isOperator });
  if (!isOperator) return <NoPermission />;
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <LoadingRows />;
  const organization = data.organizations.find((each) => each.uuid === uuid);
  if (organization === undefined) return <NotFound />;
  return (
    <Screen
      title={organization.name}
      above={
        <Anchor component={Link} to="/access" size="sm">
          ← {text.access.tabs.organizations}
        </Anchor>
      }
      subtitle={text.frame.types[organization.type]}
      actions={<SetDisabled organization={organization} />}
    >
      {organization.type === 'supplier' ? (
        <Limits key={organization.uuid} organization={organization} />
      ) : null}
      {organization.type === 'operator' ? null : <ConnectionList organization={organization} />}
      <TokenList organization={uuid} />
      <UserList organization={uuid} />
    </Screen>
  );
}

function SetDisabled({ organization }: { readonly organization: Facts }) {
  const text = useText();
  const cache = useQueryClient();
  const [isOpen, { open, close }] = useDisclosure(false);
  const isEnabled = organization.disabled === null;
  const changing = useMutation({
    mutationFn: async () => onhand.organizations.change(organization.uuid, { disabled: isEnabled }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: organizationsQuery.queryKey });
      close();
    },
  });
  const action = isEnabled ? text.access.disable : text.access.enable;
  return (
    <>
      <Button variant="default" onClick={open}>
        {action}…
      </Button>
      <Modal opened={isOpen} onClose={close} title={action}>
        <Confirm
          what={
            isEnabled
              ? text.access.disableOrganizationWill(organization.name)
              : text.access.enableWill(organization.name)
          }
          action={action}
          doing={changing}
          onCancel={close}
        />
      </Modal>
    </>
  );
}
