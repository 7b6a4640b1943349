import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { ChangeRecord } from '../../../client/src/index.ts';
import { clientWithLog } from '../api/client.ts';
import { isUnauthenticated, leave } from '../api/session.ts';

/** Records that are kept; older ones are in the history of their SKU. */
const KEPT = 1000;
/** The page is drawn no more often than this, however many changes arrive. */
const DRAW_MS = 200;

export interface LiveFeed {
  /** The latest record is the first. */
  readonly records: readonly ChangeRecord[];
  /** How many arrived while paused. */
  readonly waiting: number;
  /** Whether the server does not answer, so that changes come later. */
  readonly isDisconnected: boolean;
  /** Why the feed ended, if it did. */
  readonly error: unknown;
}

/** The change feed from now on. It reconnects by itself and misses nothing in between. */
export function useLiveFeed(isPaused: boolean): LiveFeed {
  const [isDisconnected, setIsDisconnected] = useState(false);
  const cache = useQueryClient();
  const [feed, setFeed] = useState<Omit<LiveFeed, 'isDisconnected'>>({
    records: [],
    waiting: 0,
    error: null,
  });
  const arrived = useRef<ChangeRecord[]>([]);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  useEffect(() => {
    const stop = new AbortController();
    const draw = (): void => {
      const waiting = arrived.current.length;
      if (paused.current) {
        setFeed((before) => (before.waiting === waiting ? before : { ...before, waiting }));
      } else if (waiting > 0) {
        const latest = arrived.current.toReversed();
        arrived.current = [];
        setFeed(({ records }) => ({
          records: [...latest, ...records].slice(0, KEPT),
          waiting: 0,
          error: null,
        }));
      }
    };
    const timer = setInterval(draw, DRAW_MS);
    const onhand = clientWithLog((event) => {
      if (event.event === 'retry') setIsDisconnected(true);
      else if (event.status === 200) setIsDisconnected(false);
    });
    const read = async (): Promise<void> => {
      const options = {
        from: 'now',
        via: 'events',
        signal: stop.signal,
        retries: Infinity,
      } as const;
      for await (const { record } of onhand.changes.follow(options)) {
        arrived.current.push(record);
        if (arrived.current.length > KEPT) arrived.current.shift();
      }
    };
    read().catch((error: unknown) => {
      if (isUnauthenticated(error)) leave(cache);
      else setFeed((before) => ({ ...before, error }));
    });
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [cache]);
  return { ...feed, isDisconnected };
}
