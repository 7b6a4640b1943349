import '@mantine/core/styles/Tabs.css';
import { Tabs } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useSession } from '../api/session.ts';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { Organizations } from './organizations.tsx';
import { Password } from './password.tsx';
import { accessSearchOf, TABS, type AccessTab } from './search.ts';
import { SessionList } from './sessions.tsx';
import { TokenList } from './tokens.tsx';
import { UserList } from './users.tsx';

/** Who and what may log in; for operators, also the organizations of the server. */
export function Access() {
  const text = useText();
  const navigate = useNavigate();
  const { organization, username } = useSession();
  const isOperator = organization.type === 'operator';
  const tabs = TABS.filter((tab) => tab !== 'organizations' || isOperator);
  const { tab = tabs[0] } = accessSearchOf(useSearch({ strict: false }));
  const panels: Readonly<Record<AccessTab, React.ReactNode>> = {
    organizations: isOperator ? <Organizations /> : null,
    tokens: <TokenList organization={undefined} />,
    users: <UserList organization={undefined} />,
    sessions: <SessionList />,
    password: <Password />,
  };
  return (
    <Screen title={text.frame.screens.access} subtitle={`${organization.name} · ${username}`}>
      <Tabs
        value={tab ?? null}
        onChange={(chosen) => {
          const next = TABS.find((each) => each === chosen);
          if (next !== undefined) void navigate({ to: '/access', search: { tab: next } });
        }}
      >
        <Tabs.List mb={14}>
          {tabs.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {text.access.tabs[each]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map((each) => (
          <Tabs.Panel key={each} value={each}>
            {each === tab ? panels[each] : null}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Screen>
  );
}
