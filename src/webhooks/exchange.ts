/** What an attempt sent and received, as its webhook's owner may see it. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { WebhookExchange } from '../domain/webhooks.ts';
import { beginningOf } from './http-post.ts';
import type { SignatureHeaders, WebhookSecrets } from './signature.ts';

const HeadersSchema = Type.Record(Type.String(), Type.String());

const ExchangeSchema = Type.Object({
  request: Type.Object({
    url: Type.String(),
    headers: HeadersSchema,
    body: Type.String(),
    bodyBytes: Type.Integer(),
  }),
  responseHeaders: Type.Union([HeadersSchema, Type.Null()]),
});
const Exchange = Compile(ExchangeSchema);

export function writeExchange(exchange: WebhookExchange): string {
  return JSON.stringify(exchange);
}

export function readExchange(text: string): WebhookExchange {
  const exchange: unknown = JSON.parse(text);
  if (!Exchange.Check(exchange)) throw new Error('a stored webhook exchange cannot be read');
  return exchange;
}

const HEADERS_MAX = 40;
const HEADER_CHARACTERS_MAX = 256;
const NOT_STORED = '(not stored)';
const SECRET_HEADER = /auth|cookie|key|password|secret|session|signature|token/i;

/** Headers without secrets and PostgreSQL's forbidden NUL: at most 40, each of at most 256 characters. */
export function shownHeaders(
  headers: Readonly<Record<string, string>>,
  hide: (text: string) => string,
): Readonly<Record<string, string>> {
  const shown = Object.entries(headers).slice(0, HEADERS_MAX);
  return Object.fromEntries(
    shown.map(([name, value]) => [
      name.slice(0, HEADER_CHARACTERS_MAX),
      SECRET_HEADER.test(name) ? NOT_STORED : hide(value).slice(0, HEADER_CHARACTERS_MAX),
    ]),
  );
}

/** Hides the secrets of a webhook and the signatures of a message wherever a receiver repeats them. */
export function hiding(
  { current, previous }: WebhookSecrets,
  { 'webhook-signature': signatures }: SignatureHeaders,
): (text: string) => string {
  const hidden = [current, ...(previous === null ? [] : [previous.secret])].concat(
    signatures.split(' ').map((signature) => signature.slice('v1,'.length)),
  );
  return (text) => hidden.reduce((rest, secret) => rest.replaceAll(secret, NOT_STORED), text);
}

/** A request as it is shown. */
export function shownRequest(
  request: { readonly url: string; readonly headers: Readonly<Record<string, string>> },
  body: string,
  excerptBytesMax: number,
): WebhookExchange['request'] {
  const bytes = Buffer.from(body);
  return {
    url: request.url,
    headers: shownHeaders(request.headers, (value) => value),
    body: beginningOf(bytes, excerptBytesMax),
    bodyBytes: bytes.length,
  };
}
