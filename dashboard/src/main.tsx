import './styles.ts';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider, useQuery } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, type ReactNode, StrictMode, Suspense, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { cache } from './api/cache.ts';
import { SessionContext, sessionQuery } from './api/session.ts';
import { loadSpeech, SpeechProvider, useText } from './language/language.tsx';
import { BASE_PATH, router } from './router.tsx';
import { FailedAlert, Loading } from './states/states.tsx';
import { cssVariables, themeWith } from './theme.ts';

/** The nonce that the CSP of this page allows, for the styles that Mantine creates. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
// Where Mantine's scroll lock, which dialogs use, looks for it.
Object.assign(globalThis, { __webpack_nonce__: nonce });

/** Not for those who are logged in already. */
const LogIn = lazy(async () => import('./log-in/log-in.tsx'));
const SetUp = lazy(async () => import('./log-in/set-up.tsx'));

const SET_UP_PATH = `${BASE_PATH}setup`;

/** The screens for those who are logged in; the log-in in their place for the others. */
function Dashboard() {
  const { data: session, error, refetch } = useQuery(sessionQuery);
  const [isSetUp, setIsSetUp] = useState(window.location.pathname === SET_UP_PATH);
  if (isSetUp) {
    const leaveSetUp = (): void => {
      void router.navigate({ to: '/', replace: true });
      setIsSetUp(false);
    };
    return (
      <Suspense fallback={<Loading />}>
        <SetUp onDone={leaveSetUp} />
      </Suspense>
    );
  }
  if (session === null) {
    return (
      <Suspense fallback={<Loading />}>
        <LogIn />
      </Suspense>
    );
  }
  if (session !== undefined) {
    return (
      <SessionContext value={session}>
        <RouterProvider router={router} />
      </SessionContext>
    );
  }
  return error === null ? (
    <Loading />
  ) : (
    <FailedAlert error={error} onRetry={() => void refetch()} />
  );
}

/** The theme; the names in it are in the reader's language. */
function Themed({ children }: { readonly children: ReactNode }) {
  const { close } = useText().states;
  const theme = useMemo(() => themeWith(close), [close]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      {children}
    </MantineProvider>
  );
}

async function start(element: HTMLElement): Promise<void> {
  // All that the first view needs is read at once: the session, the texts, and the screen with what it shows first.
  void cache.prefetchQuery(sessionQuery);
  void router.load();
  const speech = await loadSpeech();
  createRoot(element).render(
    <StrictMode>
      <SpeechProvider initial={speech}>
        <Themed>
          <Notifications position="bottom-right" />
          <QueryClientProvider client={cache}>
            <Dashboard />
          </QueryClientProvider>
        </Themed>
      </SpeechProvider>
    </StrictMode>,
  );
}

const element = document.getElementById('dashboard');
if (element !== null) void start(element);
