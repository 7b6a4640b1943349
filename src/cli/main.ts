import { PROCESS_ENVIRONMENT } from '../config.ts';
import { CommandContext } from './context.ts';
import { runProgram } from './program.ts';

// The reader of a pipe may close it early: `onhand token list | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runProgram(process.argv, new CommandContext(process, PROCESS_ENVIRONMENT));
