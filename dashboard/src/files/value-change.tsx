import { useFormats, useText } from '../language/language.tsx';

type Value = string | number | null | undefined;

/** One field of a SKU's inventory before and after. */
export function ValueChange({
  field,
  from,
  to,
}: {
  readonly field: string;
  readonly from: Value;
  readonly to: Value;
}) {
  const text = useText();
  const formats = useFormats();
  const names: Readonly<Record<string, string>> = text.effects.fields;
  const restrictions: Readonly<Record<string, string>> = text.effects.restrictions;
  const print = (value: Value): string => {
    if (value === null || value === undefined) return text.states.none;
    if (typeof value === 'number') return formats.number(value);
    return field === 'backorder_date' ? formats.day(value) : (restrictions[value] ?? value);
  };
  const difference = typeof from === 'number' && typeof to === 'number' ? to - from : undefined;
  return (
    <span>
      {field === 'quantity_in_stock' ? null : (
        <span className="muted">{names[field] ?? field} </span>
      )}
      <span className="muted">{print(from)}</span> →{' '}
      <strong className={to === 0 && field === 'quantity_in_stock' ? 'bad' : ''}>
        {print(to)}
      </strong>
      {difference === undefined ? null : (
        <small className={difference < 0 ? 'bad' : 'good'}> {formats.difference(difference)}</small>
      )}
    </span>
  );
}
