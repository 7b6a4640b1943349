import { AppShell, Burger, Group, Kbd, NavLink, Text, UnstyledButton } from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { useSession } from '../api/session.ts';
import { useText } from '../language/language.tsx';
import { Loading } from '../states/states.tsx';
import { AccountMenu } from './account-menu.tsx';
import { Icon } from './icons.tsx';
import { destinationsOf } from './navigation.ts';
import { openPalette } from './palette-store.ts';
import classes from './frame.module.css';

const Palette = lazy(async () => import('./palette.tsx'));

/** The longest that the palette waits for the first screen. */
const IDLE_MS = 1000;

/** What surrounds every screen: navigation, search and account. */
export function Frame() {
  const text = useText();
  const { organization } = useSession();
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  useHotkeys([['mod+K', openPalette]], []);
  const main = useRef<HTMLElement>(null);
  const isIdle = useIdle();
  useEffect(close, [pathname, close]);
  return (
    <AppShell
      header={{ height: { base: 48, sm: 0 } }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={0}
      transitionDuration={120}
    >
      <a
        href="#content"
        className={`skip-link`}
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {text.frame.skipToContent}
      </a>
      <AppShell.Header hiddenFrom="sm" className={classes['header'] ?? ''}>
        <Burger opened={isOpen} onClick={toggle} size="sm" aria-label={text.frame.openNavigation} />
        <Brand />
        <UnstyledButton
          className={classes['round']}
          onClick={openPalette}
          aria-label={text.frame.search}
        >
          <Icon name="search" size={18} />
        </UnstyledButton>
      </AppShell.Header>
      <AppShell.Navbar className={classes['navbar'] ?? ''} aria-label={text.frame.navigation}>
        <Group visibleFrom="sm" className={classes['brand'] ?? ''}>
          <Brand />
        </Group>
        <UnstyledButton className={classes['search']} onClick={openPalette}>
          <Icon name="search" size={14} />
          <span>{text.frame.search}</span>
          <Kbd size="xs">Ctrl K</Kbd>
        </UnstyledButton>
        <div className={classes['links']}>
          {destinationsOf(organization.type).map(({ to, name, icon }) => (
            <NavLink
              key={to}
              component={Link}
              to={to}
              label={text.frame.screens[name]}
              leftSection={<Icon name={icon} />}
              active={to === '/' ? pathname === '/' : pathname.startsWith(to)}
              aria-current={(to === '/' ? pathname === '/' : pathname === to) ? 'page' : undefined}
            />
          ))}
        </div>
        <AccountMenu />
      </AppShell.Navbar>
      <AppShell.Main id="content" ref={main} tabIndex={-1} className={classes['main'] ?? ''}>
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </AppShell.Main>
      <Suspense>{isIdle ? <Palette /> : null}</Suspense>
    </AppShell>
  );
}

/** False until the browser has drawn the first screen and has nothing else to do. */
function useIdle(): boolean {
  const [isIdle, setIsIdle] = useState(false);
  useEffect(() => {
    // Safari knows no idle time.
    if (!('requestIdleCallback' in window)) {
      const timer = setTimeout(() => setIsIdle(true), IDLE_MS);
      return () => clearTimeout(timer);
    }
    const request = requestIdleCallback(() => setIsIdle(true), { timeout: IDLE_MS });
    return () => cancelIdleCallback(request);
  }, []);
  return isIdle;
}

function Brand() {
  return (
    <Group gap={8} wrap="nowrap">
      <svg width={22} height={22} viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#0d6b5e" />
        <path d="M7 22V15h5v7zM13.5 22V10h5v12zM20 22v-5h5v5z" fill="#fff" />
      </svg>
      <Text fw={650} size="lg">
        onhand
      </Text>
    </Group>
  );
}
