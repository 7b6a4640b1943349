/**
 * The program that a server hands out to suppliers at `/download/`: `onhand push` by itself. It is bundled into one file
 * (scripts/bundle-supplier-tool.ts) that must run on Node.js 20.
 */
import { PROCESS_ENVIRONMENT } from '../../config.ts';
import { version } from '../../version.ts';
import { CommandContext, exitIfReaderLeaves } from '../context.ts';
import { runCommand } from '../run.ts';
import { PUSH_EXIT } from './options.ts';
import { pushCommand } from './push.ts';

/** The file that is handed out, by which its users call it. */
const TOOL = 'onhand-push.mjs';

exitIfReaderLeaves();
const context = new CommandContext(process, PROCESS_ENVIRONMENT);
process.exitCode = await runCommand(
  async () => pushCommand(context).name(`node ${TOOL}`).version(version()),
  { argv: process.argv, context, usageExitCode: PUSH_EXIT.usage },
);
