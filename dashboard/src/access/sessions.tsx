import { Badge, Button, Table, VisuallyHidden } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { onhand } from '../api/client.ts';
import { Ago, Instant } from '../format/time.tsx';
import { Panel } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { QueryTable } from '../states/query-table.tsx';
import { FailedAlert } from '../states/states.tsx';
import { sessionsQuery } from './queries.ts';

/** Where the user is logged in. */
export function SessionList() {
  const text = useText();
  const cache = useQueryClient();
  const query = useQuery(sessionsQuery);
  const ending = useMutation({
    mutationFn: async (uuid: string) => onhand.sessions.end(uuid),
    onSettled: async () => cache.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
  return (
    <Panel title={text.access.sessionsTitle} isFlush>
      {ending.error === null ? null : <FailedAlert error={ending.error} />}
      <QueryTable
        query={query}
        rows={query.data}
        minWidth={560}
        head={
          <>
            <Table.Th>{text.access.browser}</Table.Th>
            <Table.Th>{text.access.address}</Table.Th>
            <Table.Th>{text.access.loggedIn}</Table.Th>
            <Table.Th>{text.access.lastUsed}</Table.Th>
            <Table.Th>
              <VisuallyHidden>{text.access.actions}</VisuallyHidden>
            </Table.Th>
          </>
        }
        row={(session) => (
          <Table.Tr key={session.uuid}>
            <Table.Td>
              {browserOf(session.user_agent) ?? text.states.unknown}{' '}
              {session.is_current ? (
                <Badge color="gray" className="badge-good">
                  {text.access.thisBrowser}
                </Badge>
              ) : null}
            </Table.Td>
            <Table.Td className="mono">{session.address}</Table.Td>
            <Table.Td>
              <Instant time={session.created} />
            </Table.Td>
            <Table.Td>
              <Ago time={session.last_used ?? session.created} />
            </Table.Td>
            <Table.Td className="number">
              {session.is_current ? null : (
                <Button
                  variant="default"
                  loading={ending.isPending && ending.variables === session.uuid}
                  onClick={() => ending.mutate(session.uuid)}
                >
                  {text.access.endSession}
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        )}
      />
    </Panel>
  );
}

/** The name of the browser in its User-Agent, and its system: the first that is known. */
function browserOf(userAgent: string | null): string | null {
  if (userAgent === null) return null;
  const browsers = [
    [/Edg\//, 'Edge'],
    [/Firefox\//, 'Firefox'],
    [/Chrom(e|ium)\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ] as const;
  const systems = [
    [/Android/, 'Android'],
    [/iPhone|iPad/, 'iOS'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'macOS'],
    [/Linux/, 'Linux'],
  ] as const;
  const [, browser] = browsers.find(([pattern]) => pattern.test(userAgent)) ?? [];
  const [, system] = systems.find(([pattern]) => pattern.test(userAgent)) ?? [];
  if (browser === undefined) return userAgent.slice(0, 60);
  return system === undefined ? browser : `${browser} · ${system}`;
}
