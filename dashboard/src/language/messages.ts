import type { en } from './en/messages.ts';

/** Every text of the dashboard. The English catalogue says which there are; each other has the same. */
export type Messages = typeof en;
