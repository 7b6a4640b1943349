import { Anchor, Badge, Group, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useActing } from '../acting/acting.tsx';
import { Instant } from '../format/time.tsx';
import { Panel, Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { Failed, Nothing } from '../states/states.tsx';
import { attemptsQuery, webhookQuery } from './queries.ts';
import { WebhookActions } from './webhook-actions.tsx';
import { WebhookState } from './webhooks.tsx';

/** One webhook: whether it works, its latest attempts, and what can be done with it. */
export function Webhook() {
  const text = useText();
  const { uuid = '' } = useParams({ strict: false });
  const { data: webhook, error, refetch } = useQuery(webhookQuery(useActing(), uuid));
  return (
    <Screen
      title={webhook?.description ?? webhook?.url ?? '…'}
      above={
        <Anchor component={Link} to="/webhooks" size="sm">
          ← {text.frame.screens.webhooks}
        </Anchor>
      }
      subtitle={
        webhook === undefined ? undefined : (
          <Group gap={8}>
            <WebhookState webhook={webhook} />
            {webhook.description === null ? null : <span>{webhook.url}</span>}
          </Group>
        )
      }
      actions={webhook === undefined ? undefined : <WebhookActions webhook={webhook} />}
    >
      {error !== null ? <Failed error={error} onRetry={() => void refetch()} /> : null}
      {webhook === undefined ? null : <Attempts uuid={webhook.uuid} />}
    </Screen>
  );
}

function Attempts({ uuid }: { readonly uuid: string }) {
  const text = useText();
  const formats = useFormats();
  const query = useQuery(attemptsQuery(useActing(), uuid));
  return (
    <Panel title={text.webhooks.attempts} isFlush>
      <QueryTable
        query={query}
        rows={query.data}
        nothing={<Nothing title={text.webhooks.noAttempts}>{text.webhooks.noAttemptsText}</Nothing>}
        minWidth={700}
        head={
          <>
            <Table.Th w={150}>{text.webhooks.when}</Table.Th>
            <Table.Th w={130}>{text.webhooks.result}</Table.Th>
            <Table.Th w={90} className="number">
              {text.webhooks.duration}
            </Table.Th>
            <Table.Th>{text.webhooks.message}</Table.Th>
            <Table.Th>{text.webhooks.response}</Table.Th>
          </>
        }
        row={(attempt) => (
          <Table.Tr key={`${attempt.message_id} ${attempt.started}`}>
            <Table.Td>
              <Instant time={attempt.started} />
            </Table.Td>
            <Table.Td>
              <Badge color="gray" className={attempt.is_delivered ? 'badge-good' : 'badge-bad'}>
                {attempt.is_delivered ? text.webhooks.delivered : text.webhooks.failed}
                {attempt.status === null ? '' : ` ${attempt.status}`}
              </Badge>
            </Table.Td>
            <Table.Td className="number">
              {text.webhooks.milliseconds(formats.number(attempt.duration_ms))}
            </Table.Td>
            <Table.Td className="mono">{attempt.message_id}</Table.Td>
            <Table.Td className="mono" style={{ overflowWrap: 'anywhere' }}>
              {attempt.response === '' ? '–' : attempt.response}
            </Table.Td>
          </Table.Tr>
        )}
      />
      <Text size="xs" c="dimmed" px={14} py={10}>
        {text.webhooks.retries}
      </Text>
    </Panel>
  );
}
