import type { Messages } from '../messages.ts';
import { changes } from './changes.ts';
import { frame } from './frame.ts';
import { logIn } from './log-in.ts';
import { overview } from './overview.ts';
import { sku } from './sku.ts';
import { skus } from './skus.ts';
import { states } from './states.ts';

/** The German catalogue. */
export const de: Messages = { changes, frame, logIn, overview, sku, skus, states };
