#!/usr/bin/env node
// Plain JavaScript on purpose: it must parse on any Node, to say which Node is needed.
// (On Node 20 the SQLite driver would not refuse, it would crash the process.)
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `onhand needs Node.js 22.18 or newer; this is ${process.version} (${process.execPath}).\n` +
      'In a checkout, start it through npm: "npx onhand …" uses the Node that "npm ci" installed.\n',
  );
  process.exit(1);
}

// Commands start in half the time. In a folder of the package's own: what lies in the system's
// temporary one could have been put there by somebody else. Where it cannot be written, there is none.
module.enableCompileCache(
  fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)),
);

// A checkout runs its TypeScript as it is; the published package has only the compiled files.
const source = new URL('../src/cli/main.ts', import.meta.url);
await import(existsSync(source) ? source.href : '../dist/cli/main.js');
