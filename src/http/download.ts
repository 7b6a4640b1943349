import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendPage, type Page } from './pages.ts';
import { refuseOtherVerbs } from './request/resource.ts';

const FOLDER = new URL('../../download/', import.meta.url);
const PATH = '/download/';

interface Tool {
  readonly file: string;
  readonly runtime: string;
  /** What runs it. */
  readonly command: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/**
 * Adds `/download/`: the tools that send files, with the commands for this server, so that a supplier needs no package
 * from a public registry.
 */
export function addDownloads(app: FastifyInstance): void {
  const tools = [
    ...toolIn('onhand-push.mjs', 'Node.js 20 or newer', 'node'),
    ...toolIn('onhand_push.py', 'Python 3.9 or newer', 'python3'),
  ];
  app.get(PATH, { schema: { hide: true } }, (request, reply) =>
    sendPage(reply, pageOf(tools, addressOf(request))),
  );
  refuseOtherVerbs(app, PATH, ['GET', 'HEAD']);
  for (const { file, bytes } of tools) {
    app.get(`${PATH}${file}`, { schema: { hide: true } }, (_request, reply) =>
      reply
        .type('text/plain; charset=utf-8')
        .header('content-disposition', `attachment; filename="${file}"`)
        .header('x-content-type-options', 'nosniff')
        .send(bytes),
    );
    refuseOtherVerbs(app, `${PATH}${file}`, ['GET', 'HEAD']);
  }
}

/** Empty if the file was not built. */
function toolIn(file: string, runtime: string, command: string): readonly Tool[] {
  const url = new URL(file, FOLDER);
  if (!existsSync(url)) return [];
  const bytes = readFileSync(url);
  return [
    { file, runtime, command, bytes, sha256: createHash('sha256').update(bytes).digest('hex') },
  ];
}

/** The address by which the client reached this server. */
function addressOf({ protocol, host }: FastifyRequest): string {
  // A Host header can hold anything, and the page shows commands to paste.
  return /^[\w.:[\]-]+$/.test(host) ? `${protocol}://${host}` : 'https://<this server>';
}

function pageOf(tools: readonly Tool[], address: string): Page {
  const sections = tools.flatMap(({ file, runtime, command, sha256 }) => [
    { heading: `For ${runtime}` },
    {
      code: [
        `curl -fO ${address}${PATH}${file}`,
        `echo "${sha256}  ${file}" | sha256sum --check`,
        'export ONHAND_TOKEN=…',
        `${command} ${file} stock.csv --url ${address} --dry-run`,
      ].join('\n'),
    },
    {
      text: `SHA-256: ${sha256}. To save it in a browser:`,
      link: { href: `${PATH}${file}`, text: file },
    },
  ]);
  return {
    title: 'Sending stock files',
    body: [
      {
        text:
          'This program, a single file, sends your stock files to this server, waits until they are applied, and ' +
          'shows the result of each row. Set ONHAND_TOKEN to your token. With --dry-run nothing changes: leave it out ' +
          'to apply the file. --help lists all options.',
      },
      ...sections,
      { text: 'To write a program of your own:', link: { href: '/docs', text: 'documentation' } },
    ],
  };
}
