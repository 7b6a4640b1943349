import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { tokensQuery } from '../access/queries.ts';
import { actingFor } from '../acting/acting.tsx';
import { useSession } from '../api/session.ts';
import { heldFilesQuery } from '../files/queries.ts';
import { useText } from '../language/language.tsx';
import { webhooksQuery } from '../webhooks/queries.ts';
import { type AttentionItem, itemsAbout } from './attention.tsx';

const OWN = actingFor(undefined);
const REFRESH_MS = 60_000;
const WEEK_MS = 7 * 86_400_000;

/** What needs attention in one's own organization: held files, paused webhooks, tokens that expire soon. */
export function useOwnAttention(): readonly AttentionItem[] {
  const text = useText();
  const { organization, permissions } = useSession();
  const isSupplier = organization.type === 'supplier';
  const refetchInterval = REFRESH_MS;
  const held = useQuery({ ...heldFilesQuery(OWN), refetchInterval, enabled: isSupplier });
  const webhooks = useQuery({
    ...webhooksQuery(OWN),
    refetchInterval,
    enabled: permissions.includes('manage_webhooks'),
  });
  const tokens = useQuery({ ...tokensQuery(undefined), refetchInterval });
  const files = held.data?.files ?? [];
  const paused = webhooks.data?.filter(({ is_paused: isPaused }) => isPaused) ?? [];
  const nowMs = Date.now();
  const expiring =
    tokens.data?.tokens.filter(({ revoked, expires }) => {
      const leftMs = expires === null ? Infinity : Date.parse(expires) - nowMs;
      return revoked === null && leftMs > 0 && leftMs < WEEK_MS;
    }) ?? [];
  return [
    ...itemsAbout(
      files.map(({ uuid, filename, dry_run: isCheck }) => (
        <Link key={uuid} to={isCheck ? '/drop/$uuid' : '/files/$uuid'} params={{ uuid }}>
          {filename ?? text.files.unnamed}
        </Link>
      )),
      {
        key: 'held',
        tone: 'warn',
        icon: 'file',
        title: text.attention.heldFiles(held.data?.pagination.total_count ?? files.length),
      },
    ),
    ...itemsAbout(
      paused.map(({ uuid, url }) => (
        <Link key={uuid} to="/webhooks/$uuid" params={{ uuid }}>
          {url}
        </Link>
      )),
      {
        key: 'webhooks',
        tone: 'warn',
        icon: 'webhook',
        title: text.attention.pausedWebhooks(paused.length),
      },
    ),
    ...itemsAbout(
      expiring.map(({ uuid, name }) => (
        <Link key={uuid} to="/access" search={{ tab: 'tokens' }}>
          {name ?? text.access.unnamed}
        </Link>
      )),
      {
        key: 'tokens',
        tone: 'warn',
        icon: 'key',
        title: text.attention.expiringTokens(expiring.length),
      },
    ),
  ];
}
