import type { Messages } from '../messages.ts';
import { access } from './access.ts';
import { acting } from './acting.ts';
import { check, columns, drop, questions, rules } from './drop.ts';
import { batches, effects, failures, files, undo } from './files.ts';
import { changes } from './changes.ts';
import { frame } from './frame.ts';
import { logIn } from './log-in.ts';
import { attention, operator, overview } from './overview.ts';
import { sku } from './sku.ts';
import { skus } from './skus.ts';
import { states } from './states.ts';
import { tryLine } from './try-line.ts';
import { secret, webhooks } from './webhooks.ts';

/** The German catalogue. */
export const de: Messages = {
  access,
  acting,
  attention,
  batches,
  changes,
  check,
  columns,
  drop,
  effects,
  failures,
  files,
  frame,
  logIn,
  operator,
  overview,
  questions,
  rules,
  secret,
  sku,
  skus,
  states,
  tryLine,
  undo,
  webhooks,
};
