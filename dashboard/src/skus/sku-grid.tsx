import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, useEffect, useRef } from 'react';
import type { Sku } from '../../../client/src/index.ts';
import { useText } from '../language/language.tsx';
import { CellContent, type Column } from './columns.tsx';
import type { StockEdits } from './edits.ts';
import { StockCell } from './stock-cell.tsx';
import classes from './skus.module.css';

const ROW_PX = 34;
const ROW_PHONE_PX = 52;
/** The columns of what the SKU is: its sku_id and its title. */
const NAMES = [
  { px: 150, grow: 1 },
  { px: 180, grow: 2 },
];
const PHONE_NAMES = [{ px: 120, grow: 1 }];
/** The next page is read when fewer rows than this are left: more than a fast scroll passes meanwhile. */
const ROWS_AHEAD = 1000;

/** SKUs as a table that only draws the rows in view. */
export function SkuGrid({
  skus,
  totalCount,
  columns,
  isPhone,
  edits,
  onEnd,
}: {
  readonly skus: readonly Sku[];
  readonly totalCount: number;
  readonly columns: readonly Column[];
  readonly isPhone: boolean;
  /** Undefined for those who may only read. */
  readonly edits: StockEdits | undefined;
  /** Called when more SKUs should be read. */
  readonly onEnd: () => void;
}) {
  const text = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const rowPx = isPhone ? ROW_PHONE_PX : ROW_PX;
  const rows = useVirtualizer({
    count: skus.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 20,
    getItemKey: (index) => skus[index]?.uuid ?? index,
  });
  useEffect(() => rows.measure(), [rows, rowPx]);
  const drawn = rows.getVirtualItems();
  const last = drawn.at(-1)?.index ?? 0;
  const isNearEnd = last + ROWS_AHEAD > skus.length;
  useEffect(() => {
    if (isNearEnd) onEnd();
  }, [isNearEnd, onEnd, skus.length]);
  const focus = (index: number): void => {
    if (index < 0 || index >= skus.length) return;
    rows.scrollToIndex(index);
    // The row can be focused only after it has been drawn.
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-stock="${index}"]`)?.focus(),
    );
  };
  const all = [...(isPhone ? PHONE_NAMES : NAMES), ...columns];
  const tracks = all.map(({ px, grow = 0 }) =>
    grow === 0 ? `${px}px` : `minmax(${px}px, ${grow}fr)`,
  );
  const style: CSSProperties & Record<`--${string}`, string> = {
    '--tracks': tracks.join(' '),
    '--least-width': `${all.reduce((sum, { px }) => sum + px, 0)}px`,
  };
  return (
    <div
      className={`panel ${classes['scroller']}`}
      ref={scroller}
      style={style}
      role="table"
      aria-label={text.skus.title}
      aria-rowcount={totalCount + 1}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key !== 'z' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        edits?.undoLast();
      }}
    >
      <div role="rowgroup" className={classes['head']}>
        <div role="row" aria-rowindex={1} className={classes['row']}>
          <div role="columnheader">{text.skus.columns.sku}</div>
          {isPhone ? null : <div role="columnheader">{text.skus.columns.title}</div>}
          {columns.map(({ name, isNumber = false }) => (
            <div role="columnheader" key={name} className={isNumber ? 'number' : ''}>
              {text.skus.columns[name]}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className={classes['body']} style={{ height: rows.getTotalSize() }}>
        {drawn.map(({ index, key, start }) => {
          const sku = skus[index];
          if (sku === undefined) return null;
          return (
            <div
              role="row"
              key={key}
              aria-rowindex={index + 2}
              className={classes['row']}
              style={{ height: rowPx, transform: `translateY(${start}px)` }}
            >
              <Names sku={sku} isPhone={isPhone} />
              {columns.map(({ name, isNumber = false }) => (
                <div role="cell" key={name} className={isNumber ? 'number' : ''}>
                  {name === 'stock' && edits !== undefined ? (
                    <StockCell
                      sku={sku}
                      index={index}
                      onSave={(quantity) => edits.set(sku, quantity)}
                      onMove={focus}
                    />
                  ) : (
                    <CellContent sku={sku} name={name} />
                  )}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** What the SKU is: two columns, on a phone two lines. */
function Names({ sku, isPhone }: { readonly sku: Sku; readonly isPhone: boolean }) {
  const link = (
    <Link to="/skus/$uuid" params={{ uuid: sku.uuid }} className={classes['link'] ?? ''}>
      {sku.sku_id}
    </Link>
  );
  if (isPhone) {
    return (
      <div role="cell" className={classes['lines']}>
        {link}
        <span className="muted">{sku.title}</span>
      </div>
    );
  }
  return (
    <>
      <div role="cell">{link}</div>
      <div role="cell" title={sku.title ?? ''}>
        {sku.title}
      </div>
    </>
  );
}
