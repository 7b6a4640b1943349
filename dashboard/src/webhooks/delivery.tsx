import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { WebhookDeliveryDetails } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { useSession } from '../api/session.ts';
import { Instant } from '../format/time.tsx';
import { Icon } from '../frame/icons.tsx';
import { Panel, Screen } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import { Failed, FailedAlert } from '../states/states.tsx';
import { DeliveryState } from './deliveries.tsx';
import { deliveryQuery } from './queries.ts';
import classes from './webhooks.module.css';

type Attempt = WebhookDeliveryDetails['attempts'][number];

/** One message to a webhook: each attempt, with what was sent and what came back. */
export function Delivery() {
  const text = useText();
  const { uuid = '', message = '' } = useParams({ strict: false });
  const { data: delivery, error, refetch } = useQuery(deliveryQuery(useActing(), uuid, message));
  const mayManage = useSession().permissions.includes('manage_webhooks');
  return (
    <Screen
      title={text.webhooks.message}
      above={
        <Anchor component={Link} to={`/webhooks/${uuid}`} size="sm">
          ← {text.webhooks.deliveries}
        </Anchor>
      }
      subtitle={
        <Group gap={8}>
          {delivery === undefined ? null : <DeliveryState delivery={delivery} />}
          <span className="mono">{message}</span>
        </Group>
      }
      actions={
        mayManage && delivery?.can_send_again === true ? (
          <SendAgain uuid={uuid} message={message} />
        ) : undefined
      }
    >
      {error === null ? null : <Failed error={error} onRetry={() => void refetch()} />}
      {delivery?.attempts.map((attempt, place) => (
        <AttemptPanel
          key={attempt.started}
          attempt={attempt}
          number={delivery.attempts.length - place}
        />
      ))}
    </Screen>
  );
}

function SendAgain({ uuid, message }: { readonly uuid: string; readonly message: string }) {
  const text = useText();
  const cache = useQueryClient();
  const { onhand } = useActing();
  const sending = useMutation({
    mutationFn: async () => onhand.webhooks.sendAgain(uuid, message),
    onSuccess: ({ is_delivered: isDelivered }) => {
      notifications.show({
        color: isDelivered ? 'pine' : 'red',
        message: isDelivered ? text.webhooks.sentAgain : text.webhooks.sentInVain,
      });
    },
    onSettled: async () => cache.invalidateQueries({ queryKey: ['webhooks'] }),
  });
  return (
    <>
      {sending.error === null ? null : <FailedAlert error={sending.error} />}
      <Button
        leftSection={<Icon name="play" size={14} />}
        loading={sending.isPending}
        onClick={() => sending.mutate()}
      >
        {text.webhooks.sendAgain}
      </Button>
    </>
  );
}

function AttemptPanel({ attempt, number }: { readonly attempt: Attempt; readonly number: number }) {
  const text = useText();
  const formats = useFormats();
  const { request, response_headers: headers } = attempt;
  return (
    <Panel
      title={text.webhooks.attempt(formats.number(number))}
      actions={
        <Group gap={10}>
          <DeliveryState delivery={{ ...attempt, next_attempt: null }} />
          <Text span size="sm" c="dimmed">
            <Instant time={attempt.started} /> ·{' '}
            {text.webhooks.milliseconds(formats.number(attempt.duration_ms))}
          </Text>
        </Group>
      }
    >
      <div className={classes['exchange']}>
        <div>
          <h3>{text.webhooks.request}</h3>
          {request === null ? (
            <p className="muted">{text.webhooks.notKept}</p>
          ) : (
            <Stack gap={10}>
              <code className={classes['address']}>POST {request.url}</code>
              <Headers headers={request.headers} />
              <Body
                body={request.body}
                isWhole={new TextEncoder().encode(request.body).length >= request.body_bytes}
              />
              <Text size="xs" c="dimmed">
                {text.webhooks.bytes(formats.number(request.body_bytes))}
              </Text>
            </Stack>
          )}
        </div>
        <div>
          <h3>{text.webhooks.response}</h3>
          <Stack gap={10}>
            <code className={classes['address']}>{attempt.status ?? text.webhooks.noResponse}</code>
            {headers === null ? null : <Headers headers={headers} />}
            {attempt.response === '' ? null : <Body body={attempt.response} isWhole />}
          </Stack>
        </div>
      </div>
    </Panel>
  );
}

function Headers({ headers }: { readonly headers: Readonly<Record<string, string>> }) {
  return (
    <dl className={classes['headers']}>
      {Object.entries(headers).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A body; JSON that is whole is indented. */
function Body({ body, isWhole }: { readonly body: string; readonly isWhole: boolean }) {
  return (
    <pre className={classes['body']} tabIndex={0}>
      {indented(body)}
      {isWhole ? '' : ' …'}
    </pre>
  );
}

function indented(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
