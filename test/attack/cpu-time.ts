/** CPU time of this thread, in ms. The time of other threads and processes does not count. */
export function cpuMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/** The same for work that waits. Other work of this thread counts too. */
export async function cpuMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

const ATTEMPTS = 3;

/** Whether the work takes less than `ms` of CPU time in one of three attempts; the others may have met the garbage collector. */
export function fasterThan(ms: number, work: () => void): boolean {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) if (cpuMs(work) < ms) return true;
  return false;
}
