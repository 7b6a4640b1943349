import {
  Spotlight,
  type SpotlightActionData,
  type SpotlightActionGroupData,
} from '@mantine/spotlight';
import { useMantineColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useSession } from '../api/session.ts';
import { useText } from '../language/language.tsx';
import { Icon } from './icons.tsx';
import { destinationsOf } from './navigation.ts';
import { paletteStore } from './palette-store.ts';

/** The command palette: screens, actions, and a search for SKUs by what was typed or scanned. */
export default function Palette() {
  const text = useText();
  const navigate = useNavigate();
  const { organization } = useSession();
  const { setColorScheme } = useMantineColorScheme();
  const [query, setQuery] = useState('');
  const typed = query.trim();
  const matches = (label: string): boolean => label.toLowerCase().includes(typed.toLowerCase());
  const screens: readonly SpotlightActionData[] = destinationsOf(organization.type).map(
    ({ to, name, icon }) => ({
      id: to,
      label: text.frame.screens[name],
      leftSection: <Icon name={icon} />,
      onClick: () => void navigate({ to }),
    }),
  );
  const schemes = [
    { id: 'light', label: `${text.frame.theme}: ${text.frame.themeLight}`, icon: 'sun' },
    { id: 'dark', label: `${text.frame.theme}: ${text.frame.themeDark}`, icon: 'moon' },
  ] as const;
  const actions: readonly SpotlightActionData[] = schemes.map(({ id, label, icon }) => ({
    id,
    label,
    leftSection: <Icon name={icon} />,
    onClick: () => setColorScheme(id),
  }));
  const search: SpotlightActionData = {
    id: 'find-skus',
    label: text.frame.findSkus(typed),
    leftSection: <Icon name="search" />,
    onClick: () => void navigate({ to: '/skus', search: { q: typed } }),
  };
  const groups: readonly SpotlightActionGroupData[] = [
    { group: text.frame.searchSkus, actions: typed === '' ? [] : [search] },
    {
      group: text.frame.searchScreens,
      actions: screens.filter(({ label = '' }) => matches(label)),
    },
    {
      group: text.frame.searchActions,
      actions: actions.filter(({ label = '' }) => matches(label)),
    },
  ];
  return (
    <Spotlight
      store={paletteStore}
      query={query}
      onQueryChange={setQuery}
      filter={(_query, all) => all}
      actions={groups.filter(({ actions }) => actions.length > 0)}
      nothingFound={text.frame.searchNothing}
      shortcut={null}
      searchProps={{
        leftSection: <Icon name="search" />,
        placeholder: text.frame.searchPlaceholder,
        'aria-label': text.frame.search,
      }}
    />
  );
}
