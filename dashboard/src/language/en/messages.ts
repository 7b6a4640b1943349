import { frame } from './frame.ts';
import { overview } from './overview.ts';
import { logIn } from './log-in.ts';
import { states } from './states.ts';

/** The English catalogue: one file per screen. */
export const en = { frame, logIn, overview, states };
