/** Puts the query builder into one file, which loads seven times as fast (src/store/sql/kysely.ts). `npm ci` runs it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundling, commentOf, licencesOf, packagesOf } from './bundle.ts';

await bundling(async () => {
  const { build } = await import('rolldown');
  const { output } = await build({
    input: fileURLToPath(import.meta.resolve('kysely')),
    platform: 'node',
    logLevel: 'warn',
    write: false,
    output: { format: 'esm', codeSplitting: false },
  });
  const [{ code, moduleIds }] = output;
  const file = fileURLToPath(new URL('../bundled/kysely.js', import.meta.url));
  writeFileSync(file, `${commentOf(licencesOf(packagesOf(moduleIds)))}\n${code}`);
}, 'commands take longer to start.');
