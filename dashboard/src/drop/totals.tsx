import { useQuery } from '@tanstack/react-query';
import type { FileWithBatches } from '../../../client/src/index.ts';
import { useActing } from '../acting/acting.tsx';
import { effectTotalsQuery } from '../files/queries.ts';
import { useFormats, useText } from '../language/language.tsx';
import classes from './drop.module.css';

/** What a checked file would do, in numbers. */
export function Totals({ file }: { readonly file: FileWithBatches }) {
  const text = useText();
  const formats = useFormats();
  const { data } = useQuery(effectTotalsQuery(useActing(), file.uuid));
  if (data === undefined) return null;
  const { rows, changed, unchanged, failed, to_zero: toZero, zeroed } = data.totals;
  const tiles = [
    { label: text.check.rows, value: rows, tone: '' },
    { label: text.check.changed, value: changed, tone: 'good' },
    { label: text.check.unchanged, value: unchanged, tone: '' },
    { label: text.check.toZero, value: toZero, tone: 'warn' },
    { label: text.check.zeroed, value: zeroed, tone: 'warn' },
    { label: text.check.failed, value: failed, tone: 'bad' },
  ];
  return (
    <dl className={classes['tiles']} style={{ margin: 0 }}>
      {tiles.map(({ label, value, tone }) =>
        value === null ? null : (
          <div key={label} className={classes['tile']}>
            <dt>{label}</dt>
            <dd className={value === 0 ? 'muted' : tone}>{formats.number(value)}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
