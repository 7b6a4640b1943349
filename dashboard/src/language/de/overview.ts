import type { Messages } from '../messages.ts';

export const overview: Messages['overview'] = {
  freshness: 'Lieferanten',
  noSuppliers: 'Sie sind noch mit keinem Lieferanten verbunden.',
  supplier: 'Lieferant',
  state: 'Zustand',
  lastHeard: 'Zuletzt gemeldet',
  skus: 'SKUs',
  never: 'nie',
  silent: 'Stumm',
  late: 'Verspätet',
  onTime: 'Pünktlich',
};
