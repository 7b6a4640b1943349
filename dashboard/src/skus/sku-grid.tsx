import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, useEffect, useRef } from 'react';
import { UnstyledButton } from '@mantine/core';
import type { Sku } from '../../../client/src/index.ts';
import { Icon } from '../frame/icons.tsx';
import { useText } from '../language/language.tsx';
import { CellContent, type Column, type ColumnName } from './columns.tsx';
import type { StockEdits } from './edits.ts';
import type { SkuRows } from './rows.ts';
import { SORTABLE_COLUMNS, type SkuSearch } from './search.ts';
import { StockCell } from './stock-cell.tsx';
import { scrolledPart, TALL_SCROLL } from './tall-scroll.ts';
import classes from './skus.module.css';

const ROW_PX = 34;
const ROW_PHONE_PX = 52;
/** The columns of what the SKU is: its sku_id and its title. */
const NAMES = [
  { px: 150, grow: 1 },
  { px: 180, grow: 2 },
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
  const rows = useVirtualizer({
    ...TALL_SCROLL,
    count: skus.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 20,
  });
  useEffect(() => rows.measure(), [rows, rowPx]);
  const drawn = rows.getVirtualItems();
  const { heightPx, upPx } = scrolledPart(rows);
  const { show } = skus;
  const [first, last] = [drawn[0]?.index ?? 0, drawn.at(-1)?.index ?? 0];
  useEffect(() => show(first, last), [show, first, last]);
  const focus = (index: number): void => {
    if (index < 0 || index >= skus.count) return;
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
        {drawn.map(({ index, key, start }) => {
          const sku = skus.at(index);
          const style = { height: rowPx, transform: `translateY(${start - upPx}px)` };
          if (sku === undefined) return <UnreadRow key={key} index={index} style={style} />;
          return (
            <div
              role="row"
              key={key}
              aria-rowindex={index + 2}
              className={classes['row']}
              style={style}
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

/** The place of a row that is being read. */
function UnreadRow({ index, style }: { readonly index: number; readonly style: CSSProperties }) {
  return (
    <div role="row" aria-rowindex={index + 2} className={classes['row']} style={style} data-unread>
      <div role="cell">
        <span className={classes['unread']} />
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
