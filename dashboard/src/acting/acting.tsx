import { createContext, useContext } from 'react';
import type { Onhand } from '../../../client/src/index.ts';
import type { Transport } from '../../../client/src/transport.ts';
import { actingUrl, clientFor, transportFor } from '../api/client.ts';

/** Calls the routes of one supplier: one's own, or the one that an operator has chosen. */
export interface Acting {
  /** The chosen supplier; undefined for those who act for themselves. */
  readonly supplier: string | undefined;
  readonly onhand: Onhand;
  readonly transport: Transport;
  /** Begins the key of each query, so that no supplier's data is shown as another's. */
  readonly scope: string;
  /** The address of a download. */
  readonly linkTo: (path: string) => string;
}

export function actingFor(supplier: string | undefined): Acting {
  return {
    supplier,
    onhand: clientFor(supplier),
    transport: transportFor(supplier),
    scope: supplier ?? 'own',
    linkTo: (path) => actingUrl(path, supplier),
  };
}

export const ActingContext = createContext<Acting | undefined>(undefined);

export function useActing(): Acting {
  const acting = useContext(ActingContext);
  if (acting === undefined) throw new Error('This component is only for screens of one supplier.');
  return acting;
}
