import type { ReactNode } from 'react';
import classes from './fact.module.css';

/** One figure in large type, with its name and what it means. */
export function Fact({
  name,
  hint,
  tone,
  children,
}: {
  readonly name: string;
  readonly hint?: ReactNode;
  readonly tone?: 'good' | 'warn' | 'bad' | undefined;
  readonly children: ReactNode;
}) {
  return (
    <div className={`panel ${classes['fact']}`}>
      <div className="muted">{name}</div>
      <div className={`${classes['figure']} ${tone ?? ''}`}>{children}</div>
      {hint === undefined ? null : <div className={classes['hint']}>{hint}</div>}
    </div>
  );
}
