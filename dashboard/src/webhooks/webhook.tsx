import { Anchor, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useActing } from '../acting/acting.tsx';
import { useSession } from '../api/session.ts';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { Failed } from '../states/states.tsx';
import { Deliveries } from './deliveries.tsx';
import { webhookQuery } from './queries.ts';
import { WebhookActions } from './webhook-actions.tsx';
import { WebhookState } from './webhooks.tsx';

/** One webhook: whether it works, its latest messages, and what can be done with it. */
export function Webhook() {
  const text = useText();
  const { uuid = '' } = useParams({ strict: false });
  const mayManage = useSession().permissions.includes('manage_webhooks');
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
      actions={
        webhook === undefined || !mayManage ? undefined : <WebhookActions webhook={webhook} />
      }
    >
      {error !== null ? <Failed error={error} onRetry={() => void refetch()} /> : null}
      {webhook === undefined ? null : <Deliveries uuid={webhook.uuid} />}
    </Screen>
  );
}
