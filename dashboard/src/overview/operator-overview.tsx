import { Anchor, SimpleGrid, Skeleton } from '@mantine/core';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { ServerStatus } from '../../../client/src/index.ts';
import { onhand } from '../api/client.ts';
import { Ago } from '../format/time.tsx';
import { Fact } from '../frame/fact.tsx';
import { Panel } from '../frame/screen.tsx';
import { useFormats, useText } from '../language/language.tsx';
import type { Messages } from '../language/messages.ts';
import { Failed } from '../states/states.tsx';
import { Attention, type AttentionItem, itemsAbout } from './attention.tsx';
import { Hours } from './hours.tsx';
import classes from './overview.module.css';
import { hoursQuery, todayOf } from './statistics.ts';
import { Suppliers } from './suppliers.tsx';

const REFRESH_MS = 5000;
const LOW_DISK_BYTES = 2e9;

const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: async ({ signal }): Promise<ServerStatus> => onhand.status({ signal }),
  refetchInterval: REFRESH_MS,
});

/** The whole server: its load, what needs attention in any organization, and all suppliers. */
export default function OperatorOverview() {
  const text = useText();
  const status = useQuery(statusQuery);
  const hours = useQuery(hoursQuery);
  const error = status.error ?? hours.error;
  if (error !== null) {
    const retry = (): void => {
      void status.refetch();
      void hours.refetch();
    };
    return <Failed error={error} onRetry={retry} />;
  }
  if (status.data === undefined || hours.data === undefined) {
    return (
      <SimpleGrid cols={{ base: 2, md: 5 }} spacing="sm" className={classes['tiles'] ?? ''}>
        {['speed', 'lines', 'failed', 'waiting', 'disk'].map((name) => (
          <Skeleton key={name} height={82} radius="lg" />
        ))}
      </SimpleGrid>
    );
  }
  return (
    <>
      <Attention items={itemsOf(text, status.data)} />
      <Figures status={status.data} today={todayOf(hours.data)} />
      <div className={classes['columns']}>
        <Hours hours={hours.data} />
        <Server status={status.data} />
      </div>
      <Suppliers />
    </>
  );
}

function Figures({
  status: { lines_per_second: speed, lines_waiting: lines, files_waiting: files, disk },
  today,
}: {
  readonly status: ServerStatus;
  readonly today: ReturnType<typeof todayOf>;
}) {
  const text = useText();
  const formats = useFormats();
  const { free_bytes: free, files_bytes: stored } = disk;
  return (
    <SimpleGrid cols={{ base: 2, md: 5 }} spacing="sm" className={classes['tiles'] ?? ''}>
      <Fact name={text.operator.speed} hint={text.operator.speedHint}>
        {formats.number(speed)}
      </Fact>
      <Fact
        name={text.overview.linesToday}
        hint={text.operator.changed(formats.number(today.changed))}
      >
        {formats.number(today.lines)}
      </Fact>
      <Fact
        name={text.overview.failedToday}
        tone={today.failed > 0 ? 'bad' : undefined}
        hint={
          today.lines === 0
            ? undefined
            : text.operator.share(formats.share(today.failed / today.lines))
        }
      >
        {formats.number(today.failed)}
      </Fact>
      <Fact name={text.operator.waiting} hint={text.operator.waitingFiles(formats.number(files))}>
        {formats.number(lines)}
      </Fact>
      <Fact
        name={text.operator.disk}
        tone={free !== null && free < LOW_DISK_BYTES ? 'bad' : undefined}
        hint={text.operator.stored(formats.bytes(stored))}
      >
        {free === null ? '–' : formats.bytes(free)}
      </Fact>
    </SimpleGrid>
  );
}

function Server({ status }: { readonly status: ServerStatus }) {
  const text = useText();
  const formats = useFormats();
  const { version, database, started, organizations } = status;
  const rows: readonly (readonly [string, ReactNode])[] = [
    [text.operator.version, version],
    [text.operator.database, database === 'sqlite' ? 'SQLite' : 'PostgreSQL'],
    [text.operator.started, <Ago key="started" time={started} />],
    [text.operator.suppliers, formats.number(organizations.suppliers)],
    [text.operator.retailers, formats.number(organizations.retailers)],
    [text.operator.disabled, formats.number(organizations.disabled)],
  ];
  return (
    <Panel
      title={text.operator.server}
      actions={
        <Anchor component={Link} to="/access" size="xs">
          {text.operator.organizations}
        </Anchor>
      }
    >
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}

function itemsOf(text: Messages, { attention, ready }: ServerStatus): readonly AttentionItem[] {
  const {
    late_suppliers: late,
    held_files: held,
    paused_webhooks: paused,
    expiring_tokens: expiring,
  } = attention;
  return [
    ...(ready
      ? []
      : [{ key: 'ready', tone: 'bad', icon: 'server', title: text.operator.notReady } as const]),
    ...itemsAbout(
      late.organizations.map(({ uuid, name }) => (
        <Link key={uuid} to="/skus" search={{ supplier: uuid }}>
          {name}
        </Link>
      )),
      { key: 'late', tone: 'bad', icon: 'clock', title: text.overview.lateTitle(late.total) },
    ),
    ...itemsAbout(
      held.organizations.map(({ uuid, name, count }) => (
        <Link key={uuid} to="/files" search={{ supplier: uuid, state: 'held' }}>
          {text.attention.counted(name, count)}
        </Link>
      )),
      { key: 'held', tone: 'warn', icon: 'file', title: text.attention.heldFiles(held.total) },
    ),
    ...itemsAbout(
      paused.organizations.map(({ uuid, name, type, count }) =>
        type === 'supplier' ? (
          <Link key={uuid} to="/webhooks" search={{ supplier: uuid }}>
            {text.attention.counted(name, count)}
          </Link>
        ) : (
          <Link key={uuid} to="/access/$uuid" params={{ uuid }}>
            {text.attention.counted(name, count)}
          </Link>
        ),
      ),
      {
        key: 'webhooks',
        tone: 'warn',
        icon: 'webhook',
        title: text.attention.pausedWebhooks(paused.total),
      },
    ),
    ...itemsAbout(
      expiring.organizations.map(({ uuid, name, count }) => (
        <Link key={uuid} to="/access/$uuid" params={{ uuid }}>
          {text.attention.counted(name, count)}
        </Link>
      )),
      {
        key: 'tokens',
        tone: 'warn',
        icon: 'key',
        title: text.attention.expiringTokens(expiring.total),
      },
    ),
  ];
}
