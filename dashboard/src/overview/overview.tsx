import { lazy, Suspense } from 'react';
import { useSession } from '../api/session.ts';
import { Screen } from '../frame/screen.tsx';
import { useText } from '../language/language.tsx';
import { Loading } from '../states/states.tsx';

/** Each is loaded only for those who see it. */
const OVERVIEWS = {
  supplier: lazy(async () => import('./supplier-overview.tsx')),
  retailer: lazy(async () => import('./suppliers-overview.tsx')),
  operator: lazy(async () => import('./operator-overview.tsx')),
} as const;

/** What needs attention today. */
export function Overview() {
  const text = useText();
  const { organization } = useSession();
  const OfType = OVERVIEWS[organization.type];
  return (
    <Screen title={text.frame.screens.overview} subtitle={organization.name}>
      <Suspense fallback={<Loading />}>
        <OfType />
      </Suspense>
    </Screen>
  );
}
