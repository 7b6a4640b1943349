import { Badge, Button, Modal, Table, VisuallyHidden } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Token } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';
import { Ago, Instant } from '../format/time.tsx';
import { Confirm } from '../frame/confirm.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { Nothing } from '../states/states.tsx';
import { CreateToken } from './create-token.tsx';
import { Permissions } from './permissions.tsx';
import { tokensQuery, type Whose } from './queries.ts';

/** The tokens of programs, and when each was last used. */
export function TokenList({ organization }: { readonly organization: Whose }) {
  const text = useText();
  const [isCreating, creation] = useDisclosure(false);
  const [revoking, setRevoking] = useState<Token>();
  const query = useQuery(tokensQuery(organization));
  const tokens = query.data?.tokens.filter(({ revoked }) => revoked === null);
  return (
    <Panel
      title={text.access.tokensTitle}
      isFlush
      actions={
        <Button leftSection={<Icon name="plus" />} onClick={creation.open}>
          {text.access.createToken}
        </Button>
      }
    >
      <QueryTable
        query={query}
        rows={tokens}
        nothing={<Nothing title={text.access.noTokens}>{text.access.noTokensText}</Nothing>}
        minWidth={640}
        head={
          <>
            <Table.Th>{text.access.name}</Table.Th>
            <Table.Th>{text.access.may}</Table.Th>
            <Table.Th>{text.access.lastUsed}</Table.Th>
            <Table.Th>{text.access.expires}</Table.Th>
            <Table.Th>{text.access.created}</Table.Th>
            <Table.Th>
              <VisuallyHidden>{text.access.actions}</VisuallyHidden>
            </Table.Th>
          </>
        }
        row={(token) => (
          <Table.Tr key={token.uuid}>
            <Table.Td fw={500}>
              {token.name ?? text.access.unnamed}
              {token.username === null ? null : (
                <div className="muted">{text.files.by(token.username)}</div>
              )}
            </Table.Td>
            <Table.Td>
              <Permissions permissions={token.permissions} />
            </Table.Td>
            <Table.Td>
              {token.last_used === null ? (
                <span className="muted">{text.access.never}</span>
              ) : (
                <Ago time={token.last_used} />
              )}
            </Table.Td>
            <Table.Td>
              <Expiry time={token.expires} />
            </Table.Td>
            <Table.Td>
              <Instant time={token.created} />
            </Table.Td>
            <Table.Td className="number">
              <Button
                variant="default"
                aria-label={text.access.revokeToken(token.name ?? text.access.unnamed)}
                onClick={() => setRevoking(token)}
              >
                {text.access.revoke}…
              </Button>
            </Table.Td>
          </Table.Tr>
        )}
      />
      <Modal opened={isCreating} onClose={creation.close} title={text.access.createToken}>
        <CreateToken organization={organization} onClose={creation.close} />
      </Modal>
      <Modal
        opened={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={text.access.revoke}
      >
        {revoking === undefined ? null : (
          <Revoke
            token={revoking}
            organization={organization}
            onClose={() => setRevoking(undefined)}
          />
        )}
      </Modal>
    </Panel>
  );
}

function Expiry({ time }: { readonly time: string | null }) {
  const text = useText();
  if (time === null) return <span className="muted">{text.access.never}</span>;
  const isOver = new Date(time).getTime() < Date.now();
  return isOver ? (
    <Badge color="gray" className="badge-bad">
      {text.access.expired}
    </Badge>
  ) : (
    <Instant time={time} />
  );
}

function Revoke({
  token,
  organization,
  onClose,
}: {
  readonly token: Token;
  readonly organization: Whose;
  readonly onClose: () => void;
}) {
  const text = useText();
  const cache = useQueryClient();
  const revoking = useMutation({
    mutationFn: async () => onhand.tokens.revoke(token.uuid, { organization }),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['access', 'tokens'] });
      onClose();
    },
  });
  return (
    <Confirm
      what={text.access.revokeWill(token.name ?? text.access.unnamed)}
      action={text.access.revoke}
      doing={revoking}
      onCancel={onClose}
    />
  );
}
