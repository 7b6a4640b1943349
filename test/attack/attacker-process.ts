/**
 * Runs one attack in a process of its own, so that the work of the attacker does not delay the second tenant, which
 * is measured in another. Ordered by a message; `outside-attack.ts` starts it.
 */
import { once } from 'node:events';
import { type Attacker } from './attack-tools.ts';
import { CATALOGUE_VARIANTS } from './catalogue-variants.ts';
import { CONTENT_VARIANTS } from './content-variants.ts';
import { FILE_VARIANTS } from './file-variants.ts';
import { HTTP_VARIANTS } from './http-variants.ts';
import { VARIANTS } from './variants.ts';

export interface AttackOrder {
  readonly name: string;
  readonly attacker: Omit<Attacker, 'measured'>;
}

async function measured(): Promise<void> {
  process.send?.('measure');
  await once(process, 'message');
}

process.once('message', ({ name, attacker }: AttackOrder) => {
  const attack = [
    ...VARIANTS,
    ...HTTP_VARIANTS,
    ...FILE_VARIANTS,
    ...CONTENT_VARIANTS,
    ...CATALOGUE_VARIANTS,
  ].find((each) => each.name === name);
  if (attack === undefined) throw new Error(`there is no attack ${name}`);
  void attack.run({ ...attacker, measured }).then(() => process.disconnect());
});
process.send?.('ready');
