import type { Inventory } from '../../../client/src/index.ts';
import { useFormats, useText } from '../language/language.tsx';
import { Quantity, Restriction } from '../skus/columns.tsx';
import classes from './changes.module.css';

/** What differs between two states of one SKU's inventory. */
export function InventoryChange({
  before,
  after,
}: {
  readonly before: Inventory;
  readonly after: Inventory;
}) {
  const text = useText();
  const formats = useFormats();
  const difference = (after.quantity_in_stock ?? 0) - (before.quantity_in_stock ?? 0);
  const day = (date: string | null): string => (date === null ? '–' : formats.day(date));
  return (
    <div className={classes['change']}>
      {before.quantity_in_stock === after.quantity_in_stock ? null : (
        <span>
          <Quantity value={before.quantity_in_stock} isStock /> →{' '}
          <Quantity value={after.quantity_in_stock} isStock />
          {before.quantity_in_stock === null || after.quantity_in_stock === null ? null : (
            <small className={difference > 0 ? 'good' : 'bad'}>
              {formats.difference(difference)}
            </small>
          )}
        </span>
      )}
      {before.quantity_on_backorder === after.quantity_on_backorder ? null : (
        <span>
          <span className="muted">{text.skus.columns.backorder}</span>{' '}
          <Quantity value={before.quantity_on_backorder} /> →{' '}
          <Quantity value={after.quantity_on_backorder} />
        </span>
      )}
      {before.backorder_date === after.backorder_date ? null : (
        <span>
          <span className="muted">{text.skus.columns.backorderDate}</span>{' '}
          {day(before.backorder_date)} → {day(after.backorder_date)}
        </span>
      )}
      {before.restrictions === after.restrictions ? null : (
        <span>
          {before.restrictions === null ? (
            text.skus.unrestricted
          ) : (
            <Restriction value={before.restrictions} />
          )}{' '}
          →{' '}
          {after.restrictions === null ? (
            text.skus.unrestricted
          ) : (
            <Restriction value={after.restrictions} />
          )}
        </span>
      )}
    </div>
  );
}
