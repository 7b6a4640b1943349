import { changes } from './changes.ts';
import { frame } from './frame.ts';
import { logIn } from './log-in.ts';
import { overview } from './overview.ts';
import { sku } from './sku.ts';
import { skus } from './skus.ts';
import { states } from './states.ts';

/** The English catalogue: one file per screen. */
export const en = { changes, frame, logIn, overview, sku, skus, states };
