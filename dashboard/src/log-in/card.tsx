import { Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './log-in.module.css';

/** The box in the middle of the page, for those who are not logged in. */
export function Card({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <main className={classes['page']}>
      <div className={`panel ${classes['card']}`}>
        <div className={classes['brand']}>
          <svg width={28} height={28} viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" fill="#0d6b5e" />
            <path d="M7 22V15h5v7zM13.5 22V10h5v12zM20 22v-5h5v5z" fill="#fff" />
          </svg>
          <span>onhand</span>
        </div>
        <Title order={1}>{title}</Title>
        {children}
      </div>
    </main>
  );
}
