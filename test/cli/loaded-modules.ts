// Preloaded into a command: prints on stderr how many modules the process loaded, Node's own left out.
import { registerHooks } from 'node:module';

const loaded = new Set<string>();
registerHooks({
  load: (url, context, next) => {
    if (!url.startsWith('node:')) loaded.add(url);
    return next(url, context);
  },
});
process.on('exit', () => process.stderr.write(`modules: ${loaded.size}\n`));
