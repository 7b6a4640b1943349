import { type RefObject, useCallback, useDeferredValue, useLayoutEffect, useState } from 'react';
import { flushSync } from 'react-dom';

/** Browsers draw nothing beyond a height of 17 to 33 million pixels. */
const HEIGHT_MAX_PX = 12_000_000;
/** Rows drawn above and below those in view: a browser scrolls before the page draws. */
const OVERSCAN = 20;

/** The part of a list that is drawn. */
export interface RowsInView {
  /** The index of the first row that is drawn. */
  readonly first: number;
  /** The index of the last; less than `first` if there is none. */
  readonly last: number;
  /** The height of the list as the browser scrolls it. */
  readonly heightPx: number;
  /** By how much to move the rows up to where the browser looks. */
  readonly upPx: number;
  readonly scrollTo: (index: number) => void;
}

/**
 * Which of many rows of one height are in view of their scroller, whose first child is a head that stays on top.
 * It computes with nothing but the height: a library that measures each row takes a quarter of a second for a million.
 */
export function useRowsInView(
  scroller: RefObject<HTMLElement | null>,
  { count, rowPx }: { readonly count: number; readonly rowPx: number },
): RowsInView {
  const [{ topPx, viewPx }, setView] = useState({ topPx: 0, viewPx: window.innerHeight });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const read = (): void => {
      const headPx = element.firstElementChild?.clientHeight ?? 0;
      const now = { topPx: element.scrollTop, viewPx: element.clientHeight - headPx };
      setView((before) =>
        before.topPx === now.topPx && before.viewPx === now.viewPx ? before : now,
      );
    };
    // In the frame of the scroll: later, the browser would show it without its rows.
    const readNow = (): void => flushSync(read);
    const resized = new ResizeObserver(read);
    read();
    resized.observe(element);
    element.addEventListener('scroll', readNow, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener('scroll', readNow);
    };
  }, [scroller]);

  const rowsPx = count * rowPx;
  const heightPx = Math.min(rowsPx, HEIGHT_MAX_PX);
  /** How many pixels of rows one pixel of the scrollbar passes: more than 1 if the rows are too high for the browser. */
  const scale = rowsPx === heightPx ? 1 : (rowsPx - viewPx) / (heightPx - viewPx);
  const offsetPx = topPx * scale;
  // The first frame has no more rows than one sees.
  const overscan = useDeferredValue(OVERSCAN, 0);
  const scrollTo = useCallback(
    (index: number): void => {
      const [startPx, endPx] = [index * rowPx, (index + 1) * rowPx - viewPx];
      const targetPx = Math.min(startPx, Math.max(endPx, offsetPx));
      if (targetPx !== offsetPx) scroller.current?.scrollTo({ top: targetPx / scale });
    },
    [scroller, rowPx, viewPx, offsetPx, scale],
  );
  return {
    first: Math.max(0, Math.floor(offsetPx / rowPx) - overscan),
    last: Math.min(count - 1, Math.floor((offsetPx + viewPx) / rowPx) + overscan),
    heightPx,
    upPx: offsetPx - topPx,
    scrollTo,
  };
}
