import type { OrganizationType } from '../api/session.ts';
import type { Messages } from '../language/messages.ts';
import type { IconName } from './icons.tsx';

export interface Destination {
  readonly to: '/' | '/skus' | '/drop' | '/files' | '/try' | '/changes' | '/webhooks' | '/access';
  readonly name: keyof Messages['frame']['screens'];
  readonly icon: IconName;
  readonly types: readonly OrganizationType[];
}

const ALL = ['supplier', 'retailer', 'operator'] as const;
const SENDERS = ['supplier', 'operator'] as const;

/** The screens in the order of the navigation, and whose they are. The server decides what each user may do. */
export const DESTINATIONS: readonly Destination[] = [
  { to: '/', name: 'overview', icon: 'overview', types: ALL },
  { to: '/skus', name: 'skus', icon: 'box', types: ALL },
  { to: '/changes', name: 'changes', icon: 'pulse', types: ALL },
  { to: '/drop', name: 'drop', icon: 'upload', types: SENDERS },
  { to: '/files', name: 'files', icon: 'layers', types: SENDERS },
  { to: '/try', name: 'tryLine', icon: 'flask', types: SENDERS },
  { to: '/webhooks', name: 'webhooks', icon: 'webhook', types: ALL },
  { to: '/access', name: 'access', icon: 'key', types: ALL },
];

/** The screens of one type of organization. */
export function destinationsOf(type: OrganizationType): readonly Destination[] {
  return DESTINATIONS.filter(({ types }) => types.includes(type));
}
