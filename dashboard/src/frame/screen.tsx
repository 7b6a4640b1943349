import { Group, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import classes from './screen.module.css';

/** One screen: its title, its actions, and what it shows. */
export function Screen({
  title,
  above,
  subtitle,
  actions,
  isFilling = false,
  children,
}: {
  readonly title: string;
  /** A way back, above the title. */
  readonly above?: ReactNode;
  readonly subtitle?: ReactNode;
  readonly actions?: ReactNode;
  /** The screen is as high as the window, and its content scrolls inside. */
  readonly isFilling?: boolean;
  readonly children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · onhand`;
  }, [title]);
  return (
    <div className={`${classes['screen']} ${isFilling ? classes['filling'] : ''}`}>
      <header className={classes['head']}>
        <div className={classes['titles']}>
          {above}
          <Title order={1}>{title}</Title>
          {subtitle === undefined ? null : <div className="muted">{subtitle}</div>}
        </div>
        <Group gap={8}>{actions}</Group>
      </header>
      {children}
    </div>
  );
}

/** A box with a heading. */
export function Panel({
  title,
  actions,
  isFlush = false,
  children,
}: {
  readonly title: string;
  readonly actions?: ReactNode;
  /** Without padding, for tables. */
  readonly isFlush?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <section className="panel" aria-label={title}>
      <div className="panel-head">
        <Title order={2}>{title}</Title>
        {actions}
      </div>
      <div className={isFlush ? '' : 'panel-body'}>{children}</div>
    </section>
  );
}
