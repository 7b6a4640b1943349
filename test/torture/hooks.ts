/**
 * Preloaded with `node --import`: changes sources of `src/` while they are loaded, for this process only.
 *
 * - Constants are made small (`scale.ts`), so that a few SKUs reach the code for many.
 * - A bug is planted (`planted-bugs.ts`) if TORTURE_BUG names one.
 * - The threads of the SQLite store run in this thread (`inline-threads.ts`), unless TORTURE_THREADS is set.
 */
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { SCALE } from './scale.ts';
import { replaced, type Replacement } from './replacement.ts';

const ROOT = new URL('../../', import.meta.url).href;
const THREADS = `${ROOT}src/store/sqlite/threads.ts`;
const INLINE_THREADS = `${ROOT}test/torture/inline-threads.ts`;

const { TORTURE_BUG: bugName, TORTURE_THREADS: threads } = process.env;
const replacements: Replacement[] = [...SCALE];
if (bugName !== undefined && bugName !== '') {
  const bug = PLANTED_BUGS.find(({ name }) => name === bugName);
  if (bug === undefined) throw new Error(`there is no planted bug ${bugName}`);
  replacements.push(...bug.replacements);
}
const isInline = threads === undefined && isMainThread;

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const isFromSource = context.parentURL?.startsWith(`${ROOT}src/`) === true;
    return isInline && isFromSource && resolved.url === THREADS
      ? { ...resolved, url: INLINE_THREADS }
      : resolved;
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const path = url.startsWith(ROOT) ? url.slice(ROOT.length) : '';
    const ofFile = replacements.filter(({ file }) => file === path);
    if (ofFile.length === 0 || loaded.source === undefined || loaded.source === null) return loaded;
    const text =
      typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
    return { ...loaded, source: ofFile.reduce(replaced, text) };
  },
});
