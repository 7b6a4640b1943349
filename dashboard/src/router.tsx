import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from '@tanstack/react-router';
import { actingSearchOf, type ActingSearch } from './acting/search.ts';
import { accessSearchOf } from './access/search.ts';
import { cache } from './api/cache.ts';
import { filesSearchOf } from './files/search.ts';
import { Frame } from './frame/frame.tsx';
import { prefetchSkus } from './skus/queries.ts';
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

/** The screens of one supplier; an operator's address says which. */
const acting = createRoute({
  getParentRoute: () => root,
  id: 'acting',
  validateSearch: (raw: Record<string, unknown>): ActingSearch => actingSearchOf(raw),
  search: { middlewares: [retainSearchParams(['supplier'])] },
  component: lazyRouteComponent(async () => import('./acting/acting-scope.tsx'), 'ActingScope'),
});

const drop = createRoute({
  getParentRoute: () => acting,
  path: '/drop',
  component: lazyRouteComponent(async () => import('./drop/drop.tsx'), 'Drop'),
});

const check = createRoute({
  getParentRoute: () => acting,
  path: '/drop/$uuid',
  component: lazyRouteComponent(async () => import('./drop/check.tsx'), 'Check'),
});

const files = createRoute({
  getParentRoute: () => acting,
  path: '/files',
  validateSearch: filesSearchOf,
  component: lazyRouteComponent(async () => import('./files/files.tsx'), 'Files'),
});

const file = createRoute({
  getParentRoute: () => acting,
  path: '/files/$uuid',
  component: lazyRouteComponent(async () => import('./files/file.tsx'), 'File'),
});

const batch = createRoute({
  getParentRoute: () => acting,
  path: '/batches/$uuid',
  component: lazyRouteComponent(async () => import('./batches/batch.tsx'), 'Batch'),
});

const tryLine = createRoute({
  getParentRoute: () => acting,
  path: '/try',
  component: lazyRouteComponent(async () => import('./try-line/try-line.tsx'), 'TryLine'),
});

const webhooks = createRoute({
  getParentRoute: () => acting,
  path: '/webhooks',
  component: lazyRouteComponent(async () => import('./webhooks/webhooks.tsx'), 'Webhooks'),
});

const webhook = createRoute({
  getParentRoute: () => acting,
  path: '/webhooks/$uuid',
  component: lazyRouteComponent(async () => import('./webhooks/webhook.tsx'), 'Webhook'),
});

const delivery = createRoute({
  getParentRoute: () => acting,
  path: '/webhooks/$uuid/$message',
  component: lazyRouteComponent(async () => import('./webhooks/delivery.tsx'), 'Delivery'),
});

const access = createRoute({
  getParentRoute: () => root,
  path: '/access',
  validateSearch: accessSearchOf,
  component: lazyRouteComponent(async () => import('./access/access.tsx'), 'Access'),
});

const organization = createRoute({
  getParentRoute: () => root,
  path: '/access/$uuid',
  component: lazyRouteComponent(async () => import('./access/organization.tsx'), 'Organization'),
});

const actingScreens = acting.addChildren([
  drop,
  check,
  files,
  file,
  batch,
  tryLine,
  webhooks,
  webhook,
  delivery,
]);
const skus = createRoute({
  getParentRoute: () => root,
  path: '/skus',
  validateSearch: skuSearchOf,
  loaderDeps: ({ search }) => search,
  loader: ({ deps }) => void prefetchSkus(cache, deps),
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

const routeTree = root.addChildren([
  overview,
  skus,
  sku,
  changes,
  actingScreens,
  access,
  organization,
]);

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
