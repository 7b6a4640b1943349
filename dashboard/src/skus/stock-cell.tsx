import { UnstyledButton } from '@mantine/core';
import { type KeyboardEvent, useState } from 'react';
import type { Sku } from '../../../client/src/index.ts';
import { useText } from '../language/language.tsx';
import { Quantity } from './columns.tsx';
import classes from './skus.module.css';

/** The stock of one row, edited in place as in a spreadsheet: Enter or a digit begins, Enter saves, Escape does not. */
export function StockCell({
  sku,
  index,
  onSave,
  onMove,
}: {
  readonly sku: Sku;
  /** The position of the row in the list; the first is 0. */
  readonly index: number;
  readonly onSave: (quantity: number) => void;
  /** Moves the focus up or down. */
  readonly onMove: (index: number) => void;
}) {
  const text = useText();
  const [draft, setDraft] = useState<string>();
  const save = (): void => {
    setDraft(undefined);
    const quantity = quantityOf(draft ?? '');
    if (quantity !== undefined && quantity !== sku.quantity_in_stock) onSave(quantity);
  };
  if (draft === undefined) {
    const onKeyDown = (event: KeyboardEvent): void => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (step !== undefined) onMove(index + step);
      else if (/^\d$/.test(event.key)) setDraft(event.key);
      else return;
      event.preventDefault();
    };
    return (
      <UnstyledButton
        className={classes['stock']}
        data-stock={index}
        aria-label={text.skus.editStock(sku.sku_id, sku.quantity_in_stock ?? text.states.unknown)}
        onClick={() => setDraft(String(sku.quantity_in_stock ?? ''))}
        onKeyDown={onKeyDown}
      >
        <Quantity value={sku.quantity_in_stock} isStock />
      </UnstyledButton>
    );
  }
  return (
    <input
      className={classes['input']}
      inputMode="numeric"
      aria-label={text.skus.newStock(sku.sku_id)}
      aria-invalid={draft !== '' && quantityOf(draft) === undefined}
      autoFocus
      onFocus={(event) => {
        if (draft.length > 1) event.currentTarget.select();
      }}
      value={draft}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={save}
      onKeyDown={(event) => {
        if (event.key === 'Escape') {
          setDraft(undefined);
          onMove(index);
        } else if (event.key === 'Enter') {
          if (quantityOf(draft) === undefined) return;
          save();
          onMove(index + 1);
        }
      }}
    />
  );
}

/** The quantity that a person typed; undefined unless it is a whole number of units. */
function quantityOf(draft: string): number | undefined {
  const digits = draft.replaceAll(/[\s.,’']/g, '');
  const quantity = Number(digits);
  return /^\d+$/.test(digits) && Number.isSafeInteger(quantity) ? quantity : undefined;
}
