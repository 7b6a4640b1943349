import { elementScroll, observeElementOffset, type Virtualizer } from '@tanstack/react-virtual';

/** Browsers draw nothing beyond a height of 17 to 33 million pixels. */
const HEIGHT_MAX_PX = 12_000_000;

type Rows = Virtualizer<HTMLDivElement, Element>;

/** How many pixels of rows one pixel of the scrollbar passes: more than 1 if the rows are too high for the browser. */
function scaleOf(rows: Rows): number {
  const rowsPx = rows.getTotalSize();
  if (rowsPx <= HEIGHT_MAX_PX) return 1;
  const { scrollElement: scroller } = rows;
  // The head scrolls with the rows, and covers the first of them: without its height, the last rows end above the bottom.
  const headPx = scroller?.firstElementChild?.clientHeight ?? 0;
  const viewPx = (scroller?.clientHeight ?? 0) - headPx;
  return (rowsPx - viewPx) / (HEIGHT_MAX_PX - viewPx);
}

/** Options of a virtualizer whose rows may be higher than a browser can scroll. */
export const TALL_SCROLL = {
  observeElementOffset: (rows: Rows, report: (offset: number, isScrolling: boolean) => void) =>
    observeElementOffset(rows, (offset, isScrolling) =>
      report(offset * scaleOf(rows), isScrolling),
    ),
  scrollToFn: (offset: number, options: Parameters<typeof elementScroll>[1], rows: Rows) =>
    elementScroll(offset / scaleOf(rows), options, rows),
};

/** The height of all rows as the browser scrolls it, and by how much to move the drawn rows up to where it looks. */
export function scrolledPart(rows: Rows): { readonly heightPx: number; readonly upPx: number } {
  const scale = scaleOf(rows);
  const offset = rows.scrollOffset ?? 0;
  return { heightPx: Math.min(rows.getTotalSize(), HEIGHT_MAX_PX), upPx: offset - offset / scale };
}
