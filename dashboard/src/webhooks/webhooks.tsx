import { Badge, Button, Modal, Table } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Webhook } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { useSession } from '../api/session.ts';
import { Ago } from '../format/time.tsx';
import { Icon } from '../frame/icons.tsx';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { Nothing } from '../states/states.tsx';
import { CreateWebhook } from './create-webhook.tsx';
import { webhooksQuery } from './queries.ts';

/** Where changes are posted to. */
export function Webhooks() {
  const text = useText();
  const mayManage = useSession().permissions.includes('manage_webhooks');
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <Screen
      title={text.frame.screens.webhooks}
      subtitle={text.webhooks.subtitle}
      actions={
        mayManage ? (
          <Button leftSection={<Icon name="plus" />} onClick={open}>
            {text.webhooks.create}
          </Button>
        ) : undefined
      }
    >
      <div className="panel">
        <WebhookTable />
      </div>
      <Modal opened={isOpen} onClose={close} title={text.webhooks.create} size="md">
        <CreateWebhook onClose={close} />
      </Modal>
    </Screen>
  );
}

function WebhookTable() {
  const text = useText();
  const query = useQuery(webhooksQuery(useActing()));
  return (
    <QueryTable
      query={query}
      rows={query.data}
      nothing={<Nothing title={text.webhooks.noneTitle}>{text.webhooks.noneText}</Nothing>}
      minWidth={480}
      head={
        <>
          <Table.Th>{text.webhooks.url}</Table.Th>
          <Table.Th>{text.webhooks.state}</Table.Th>
          <Table.Th>{text.webhooks.created}</Table.Th>
        </>
      }
      row={(webhook) => (
        <Table.Tr key={webhook.uuid}>
          <Table.Td style={{ overflowWrap: 'anywhere' }}>
            <Link to="/webhooks/$uuid" params={{ uuid: webhook.uuid }} className="row-link">
              {webhook.url}
            </Link>
            {webhook.description === null ? null : (
              <div className="muted">{webhook.description}</div>
            )}
          </Table.Td>
          <Table.Td>
            <WebhookState webhook={webhook} />
          </Table.Td>
          <Table.Td>
            <Ago time={webhook.created} />
          </Table.Td>
        </Table.Tr>
      )}
    />
  );
}

/** Whether messages are sent, and if not, why. */
export function WebhookState({ webhook }: { readonly webhook: Webhook }) {
  const text = useText();
  const { is_paused: isPaused, paused_reason: reason } = webhook;
  return (
    <>
      <Badge color="gray" className={isPaused ? 'badge-warn' : 'badge-good'}>
        {isPaused ? text.webhooks.paused : text.webhooks.active}
      </Badge>{' '}
      {reason === null ? null : <span className="muted">{reason}</span>}
    </>
  );
}
