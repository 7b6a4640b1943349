import { PROCESS_ENVIRONMENT } from '../config.ts';
import { CommandContext, exitIfReaderLeaves } from './context.ts';
import { runProgram } from './program.ts';

exitIfReaderLeaves();

process.exitCode = await runProgram(process.argv, new CommandContext(process, PROCESS_ENVIRONMENT));
