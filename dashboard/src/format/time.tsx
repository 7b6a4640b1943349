import { useSyncExternalStore } from 'react';
import { useFormats } from '../language/language.tsx';

const TICK_MS = 10_000;

let now = Date.now();
const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function watch(changed: () => void): () => void {
  watchers.add(changed);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of watchers) each();
  }, TICK_MS);
  return () => {
    watchers.delete(changed);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The current time in milliseconds, accurate to ten seconds. One timer serves the whole page. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => now);
}

/** A point in time in the reader's zone; the exact instant on hover. */
export function Instant({ time }: { readonly time: string }) {
  const formats = useFormats();
  return (
    <time dateTime={time} title={formats.exact(time)}>
      {formats.instant(time)}
    </time>
  );
}

/** How long ago something was; the exact instant on hover. */
export function Ago({ time }: { readonly time: string }) {
  const formats = useFormats();
  const current = Math.max(useNow(), new Date(time).getTime());
  return (
    <time dateTime={time} title={formats.exact(time)}>
      {formats.ago(time, current)}
    </time>
  );
}
