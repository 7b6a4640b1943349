import { Badge, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { WebhookDelivery } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { useSession } from '../api/session.ts';
import { suppliersQuery } from '../api/suppliers.ts';
import { Instant } from '../format/time.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { Nothing } from '../states/states.tsx';
import { deliveriesQuery } from './queries.ts';

/** The latest messages of a webhook, each with a link to what was sent and what came back. */
export function Deliveries({ uuid }: { readonly uuid: string }) {
  const text = useText();
  const formats = useFormats();
  const acting = useActing();
  const query = useQuery(deliveriesQuery(acting, uuid));
  const isRetailer = useSession().organization.type === 'retailer';
  const { data: suppliers } = useQuery({ ...suppliersQuery, enabled: isRetailer });
  const names = new Map(suppliers?.map(({ uuid: supplier, name }) => [supplier, name]));
  return (
    <Panel title={text.webhooks.deliveries} isFlush>
      <QueryTable
        query={query}
        rows={query.data}
        nothing={
          <Nothing title={text.webhooks.noDeliveries}>{text.webhooks.noDeliveriesText}</Nothing>
        }
        minWidth={720}
        head={
          <>
            <Table.Th w={165}>{text.webhooks.lastAttempt}</Table.Th>
            <Table.Th w={250}>{text.webhooks.result}</Table.Th>
            {isRetailer ? <Table.Th>{text.webhooks.supplier}</Table.Th> : null}
            <Table.Th w={90} className="number">
              {text.webhooks.changes}
            </Table.Th>
            <Table.Th w={90} className="number">
              {text.webhooks.attemptCount}
            </Table.Th>
            <Table.Th>{text.webhooks.response}</Table.Th>
          </>
        }
        row={(delivery) => (
          <Table.Tr key={delivery.message_id}>
            <Table.Td>
              <Link
                to="/webhooks/$uuid/$message"
                params={{ uuid, message: delivery.message_id }}
                className="row-link"
              >
                <Instant time={delivery.last_attempt} />
              </Link>
            </Table.Td>
            <Table.Td>
              <DeliveryState delivery={delivery} />
            </Table.Td>
            {isRetailer ? (
              <Table.Td>{names.get(delivery.supplier_uuid ?? '') ?? '–'}</Table.Td>
            ) : null}
            <Table.Td className="number">
              {delivery.change_count === null
                ? text.webhooks.isTest
                : formats.number(delivery.change_count)}
            </Table.Td>
            <Table.Td className="number">{formats.number(delivery.attempt_count)}</Table.Td>
            <Table.Td className="mono" maw={320}>
              <Text span inherit truncate display="block">
                {delivery.response === '' ? '–' : delivery.response}
              </Text>
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

/** Whether a message was delivered, and if not, when the next attempt is due. */
export function DeliveryState({
  delivery: { is_delivered: isDelivered, status, next_attempt: next },
}: {
  readonly delivery: Pick<WebhookDelivery, 'is_delivered' | 'status' | 'next_attempt'>;
}) {
  const text = useText();
  return (
    <>
      <Badge color="gray" className={isDelivered ? 'badge-good' : 'badge-bad'}>
        {isDelivered ? text.webhooks.delivered : text.webhooks.failed}
        {status === null ? '' : ` ${status}`}
      </Badge>{' '}
      {next === null || isDelivered ? null : (
        <span className="muted">
          {text.webhooks.next} <Instant time={next} />
        </span>
      )}
    </>
  );
}
