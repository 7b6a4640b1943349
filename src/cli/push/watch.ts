import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 1000;
/** After a failure, before the same is tried again. */
const PAUSE_MS = 30_000;

/**
 * Sends files whenever they have changed and then stayed the same for a while; for ever.
 *
 * @param push sends those, in the order of `paths`; says whether that could be done
 */
export async function watchFiles(
  paths: readonly string[],
  settleMs: number,
  push: (paths: readonly string[]) => Promise<boolean>,
): Promise<never> {
  const sent = new Map<string, string>();
  const seen = new Map<string, { readonly version: string; readonly sinceMs: number }>();
  for (;;) {
    const ready = new Map<string, string>();
    for (const path of paths) {
      const version = await versionOf(path);
      if (version === undefined || version === sent.get(path)) continue;
      const last = seen.get(path);
      if (last?.version !== version) seen.set(path, { version, sinceMs: performance.now() });
      else if (performance.now() - last.sinceMs >= settleMs) ready.set(path, version);
    }
    if (ready.size > 0) {
      if (await push([...ready.keys()]))
        for (const [path, version] of ready) sent.set(path, version);
      else await delay(PAUSE_MS);
    }
    await delay(LOOK_EVERY_MS);
  }
}

/** Undefined where there is no file, or an empty one: it is only being made. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return size === 0n ? undefined : `${ino} ${size} ${mtimeNs}`;
  } catch {
    return undefined;
  }
}
