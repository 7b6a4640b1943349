import { Link } from '@tanstack/react-router';
import { type CSSProperties, memo, useCallback, useEffect, useRef } from 'react';
import { UnstyledButton } from '@mantine/core';
import type { Sku } from '../../../client/src/index.ts';
import { Icon } from '../frame/icons.tsx';
import { useText } from '../language/language.tsx';
import { CellContent, type Column, type ColumnName } from './columns.tsx';
import type { StockEdits } from './edits.ts';
import { useRowsInView } from './rows-in-view.ts';
import type { SkuRows } from './rows.ts';
import { SORTABLE_COLUMNS, type SkuSearch } from './search.ts';
import { StockCell } from './stock-cell.tsx';
import classes from './skus.module.css';

const ROW_PX = 34;
const ROW_PHONE_PX = 52;
/** After how many rows the place from which rows are placed changes; all rows are drawn anew then. */
const BASE_ROWS = 1000;
/** The columns of what the SKU is: its sku_id and its title. */
const NAMES = [
  { px: 170, grow: 1 },
  { px: 180, grow: 1 },
];
const PHONE_NAMES = [{ px: 120, grow: 1 }];

/** SKUs as a table that only draws the rows in view. */
export function SkuGrid({
  skus,
  columns,
  isPhone,
  edits,
  sorting,
}: {
  readonly skus: SkuRows;
  readonly columns: readonly Column[];
  readonly isPhone: boolean;
  /** Undefined for those who may only read. */
  readonly edits: StockEdits | undefined;
  readonly sorting: Sorting;
}) {
  const text = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const rowPx = isPhone ? ROW_PHONE_PX : ROW_PX;
  const { count, show } = skus;
  const { first, last, heightPx, upPx, scrollTo } = useRowsInView(scroller, { count, rowPx });
  useEffect(() => show(first, last), [show, first, last]);
  const focus = useCallback(
    (index: number): void => {
      if (index < 0 || index >= count) return;
      scrollTo(index);
      // The row can be focused only after it has been drawn.
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-stock="${index}"]`)?.focus(),
      );
    },
    [count, scrollTo],
  );
  // Rows are placed from here: the browser would round the place of the millionth, which is more than 16 million pixels down.
  const base = first - (first % BASE_ROWS);
  const drawn = Array.from({ length: Math.max(0, last - first + 1) }, (_, place) => first + place);
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
      aria-rowcount={(skus.totalCount ?? skus.count) + 1}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key !== 'z' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        edits?.undoLast();
      }}
    >
      <div role="rowgroup" className={classes['head']}>
        <div role="row" aria-rowindex={1} className={classes['row']}>
          <Heading name="sku" sorting={sorting} />
          {isPhone ? null : <div role="columnheader">{text.skus.columns.title}</div>}
          {columns.map(({ name, isNumber = false }) => (
            <Heading key={name} name={name} isNumber={isNumber} sorting={sorting} />
          ))}
        </div>
      </div>
      <div role="rowgroup" className={classes['body']} style={{ height: heightPx }}>
        <div style={{ transform: `translateY(${base * rowPx - upPx}px)` }}>
          {drawn.map((index) => (
            <Row
              key={index}
              sku={skus.at(index)}
              index={index}
              topPx={(index - base) * rowPx}
              columns={columns}
              isPhone={isPhone}
              rowPx={rowPx}
              onSave={edits?.set}
              onMove={focus}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

/** A SKU, or the place of one that is being read. Drawn again only if something in it changes: scrolling changes nothing. */
const Row = memo(function Row({
  sku,
  index,
  topPx,
  columns,
  isPhone,
  rowPx,
  onSave,
  onMove,
}: {
  readonly sku: Sku | undefined;
  readonly index: number;
  readonly topPx: number;
  readonly columns: readonly Column[];
  readonly isPhone: boolean;
  readonly rowPx: number;
  /** Undefined for those who may only read. */
  readonly onSave: StockEdits['set'] | undefined;
  readonly onMove: (index: number) => void;
}) {
  const place = {
    role: 'row',
    'aria-rowindex': index + 2,
    className: classes['row'] ?? '',
    style: { height: rowPx, transform: `translateY(${topPx}px)` },
  };
  if (sku === undefined) {
    return (
      <div {...place} data-unread>
        <div role="cell">
          <span className={classes['unread']} />
        </div>
      </div>
    );
  }
  return (
    <div {...place}>
      <Names sku={sku} isPhone={isPhone} />
      {columns.map(({ name, isNumber = false }) => (
        <div role="cell" key={name} className={isNumber ? 'number' : ''}>
          {name === 'stock' && onSave !== undefined ? (
            <StockCell
              sku={sku}
              index={index}
              onSave={(quantity) => onSave(sku, quantity)}
              onMove={onMove}
            />
          ) : (
            <CellContent sku={sku} name={name} />
          )}
        </div>
      ))}
    </div>
  );
});

/** By which column the list is sorted, and how that changes. */
export interface Sorting {
  readonly sort: SkuSearch['sort'];
  readonly order: SkuSearch['order'];
  /** Undefined is the order without a choice. */
  readonly onSort: (sort: SkuSearch['sort'], order: SkuSearch['order']) => void;
}

/** The head of a column. The first click sorts ascending, the next descending, and the third not at all. */
function Heading({
  name,
  isNumber = false,
  sorting: { sort, order, onSort },
}: {
  readonly name: ColumnName;
  readonly isNumber?: boolean;
  readonly sorting: Sorting;
}) {
  const text = useText();
  const column = SORTABLE_COLUMNS.find((each) => each === name);
  const className = isNumber ? 'number' : '';
  if (column === undefined) {
    return (
      <div role="columnheader" className={className}>
        {text.skus.columns[name]}
      </div>
    );
  }
  const isSorted = sort === column;
  const isDescending = isSorted && order === 'desc';
  return (
    <div
      role="columnheader"
      className={className}
      aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <UnstyledButton
        className={classes['sort']}
        data-sorted={isSorted}
        onClick={() =>
          isDescending
            ? onSort(undefined, undefined)
            : onSort(column, isSorted ? 'desc' : undefined)
        }
      >
        {text.skus.columns[name]}
        <Icon name={isDescending ? 'chevronDown' : 'chevronUp'} size={12} />
      </UnstyledButton>
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
