import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Attacker } from './attack-tools.ts';
import type { AttackOrder } from './attacker-process.ts';

const PROGRAM = fileURLToPath(new URL('attacker-process.ts', import.meta.url));

/** Runs an attack, by its name, in a process of its own. Rejects if it fails. */
export async function attackFromOutside(
  name: string,
  { measured, ...attacker }: Attacker,
): Promise<void> {
  const child = fork(PROGRAM, { execArgv: [] });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await once(child, 'message');
  child.on('message', () => void measured().then(() => child.send('measured')));
  child.send({ name, attacker } satisfies AttackOrder);
  if ((await exited) !== 0) throw new Error(`the attack failed: ${name}`);
}
