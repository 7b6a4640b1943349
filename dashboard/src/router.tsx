import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { Frame } from './frame/frame.tsx';
import { skuSearchOf } from './skus/search.ts';
import { Failed, Loading, NotFound } from './states/states.tsx';

/** Each screen is loaded when it is first opened. */
const root = createRootRoute({
  component: Frame,
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => <Failed error={error} onRetry={reset} />,
});

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(async () => import('./overview/overview.tsx'), 'Overview'),
});

const skus = createRoute({
  getParentRoute: () => root,
  path: '/skus',
  validateSearch: skuSearchOf,
  component: lazyRouteComponent(async () => import('./skus/skus.tsx'), 'Skus'),
});

const sku = createRoute({
  getParentRoute: () => root,
  path: '/skus/$uuid',
  component: lazyRouteComponent(async () => import('./sku/sku.tsx'), 'Sku'),
});

const changes = createRoute({
  getParentRoute: () => root,
  path: '/changes',
  component: lazyRouteComponent(async () => import('./changes/changes.tsx'), 'Changes'),
});

const routeTree = root.addChildren([overview, skus, sku, changes]);

/** Where the server serves the dashboard: the path of `<base href>`. */
export const BASE_PATH = new URL(document.baseURI).pathname;

export const router = createRouter({
  routeTree,
  basepath: BASE_PATH,
  defaultPreload: 'intent',
  defaultPendingComponent: Loading,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
