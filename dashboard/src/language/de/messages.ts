import type { Messages } from '../messages.ts';
import { frame } from './frame.ts';
import { overview } from './overview.ts';
import { logIn } from './log-in.ts';
import { states } from './states.ts';

/** The German catalogue. */
export const de: Messages = { frame, logIn, overview, states };
