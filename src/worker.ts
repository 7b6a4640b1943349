/** The program of a worker thread: connects the parts of each room, as server.ts does for the main thread. */
import { openStaging } from './databases.ts';
import { bodyTasks } from './http/inventory/bulk-task.ts';
import { fileTasks } from './files/tasks.ts';
import { jsonLineReader } from './wire/lines/lines.ts';
import { printFailureMessage } from './wire/lines/results.ts';
import { serveTasks } from './workers/serve.ts';

serveTasks({
  ...bodyTasks,
  ...fileTasks(
    {
      newJsonLineReader: ({ nowMs, asOfToleranceSeconds }) =>
        jsonLineReader({ nowMs, asOfToleranceSeconds, asOfUs: undefined }),
      printFailure: printFailureMessage,
    },
    openStaging,
  ),
});
