/** Plain HTML pages for people: no scripts, nothing from other servers. */
import type { FastifyReply } from 'fastify';

export interface Page {
  readonly title: string;
  readonly body: readonly PageBlock[];
}

export type PageBlock =
  | { readonly heading: string; readonly anchor?: string }
  | { readonly code: string }
  | { readonly rows: readonly (readonly string[])[] }
  | { readonly text: string; readonly link?: { readonly href: string; readonly text: string } };

const STYLE =
  'body{overflow-wrap:anywhere;font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}' +
  'td{padding:.25rem .75rem .25rem 0;vertical-align:top}' +
  'pre{background:#f3f3f0;padding:1rem;white-space:pre-wrap}code{background:#f3f3f0}' +
  '@media(prefers-color-scheme:dark){body{background:#1b1b1b;color:#ddd}pre,code{background:#2a2a2a}a{color:#8bf}}';

/** Sends a page, which other pages cannot frame and which loads nothing. */
export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    )
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .send(printPage(page));
}

function printPage({ title, body }: Page): string {
  return (
    `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n` +
    `<meta name="viewport" content="width=device-width">\n<title>${escaped(title)} · onhand</title>\n` +
    `<style>${STYLE}</style>\n<h1>${escaped(title)}</h1>\n${body.map(printBlock).join('\n')}\n</html>\n`
  );
}

function printBlock(block: PageBlock): string {
  if ('code' in block) return `<pre>${escaped(block.code)}</pre>`;
  if ('rows' in block) {
    const rows = block.rows.map((cells) =>
      cells.map((cell) => `<td>${printInline(cell)}`).join(''),
    );
    return `<table>\n${rows.map((row) => `<tr>${row}`).join('\n')}\n</table>`;
  }
  if ('heading' in block) {
    const { heading, anchor } = block;
    return `<h2${anchor === undefined ? '' : ` id="${escaped(anchor)}"`}>${escaped(heading)}</h2>`;
  }
  const { text, link } = block;
  const linked =
    link === undefined ? '' : ` <a href="${escaped(link.href)}">${escaped(link.text)}</a>`;
  return `<p>${printInline(text)}${linked}</p>`;
}

/**
 * Reads a page of `docs/`: headings, paragraphs and tables. Each heading is its own anchor, as the `type` of a problem
 * names it.
 */
export function pageOfMarkdown(markdown: string): Page {
  const [first = '', ...blocks] = markdown.trim().split(/\n\n+/);
  const body = blocks.map((block): PageBlock => {
    if (block.startsWith('#')) {
      const heading = block.replace(/^#+ */, '');
      return { heading, anchor: heading };
    }
    if (!block.startsWith('|')) return { text: block.replaceAll('\n', ' ') };
    const rows = block.split('\n').filter((row) => !/^\|[ |-]*$/.test(row));
    return {
      rows: rows.map((row) =>
        row
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      ),
    };
  });
  return { title: first.replace(/^#+ */, ''), body };
}

/** Text with the `code`, **bold** and links of Markdown; links to other pages lose their target. */
function printInline(text: string): string {
  return escaped(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/\[([^\]]+)\]\((#[^)]*)\)/g, '<a href="$2">$1</a>')
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
