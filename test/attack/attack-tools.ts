import { at, textAt } from '../http/answers.ts';
import type { Tenant } from './attacked-server.ts';
import { Flood } from './flood.ts';

/** What an attack may use: a supplier, and a retailer that is connected to the second tenant. */
export interface Attacker {
  readonly url: string;
  readonly supplier: Tenant;
  readonly retailer: Tenant;
  /** How much of the attack at full size to run: 1 is all. */
  readonly share: number;
  /** Resolves when the second tenant's requests were measured for long enough. */
  readonly measured: () => Promise<void>;
}

export interface Attack {
  readonly name: string;
  readonly run: (attacker: Attacker) => Promise<void>;
}

export const FILES = '/timp/organizations/files/';
export const SKUS = '/timp/products/skus/';
export const BULK = '/timp/products/skus/inventory/bulk/';
export const BATCHES = '/timp/products/skus/inventory/batches/';
export const CHANGES = '/timp/products/skus/inventory/changes/';
export const FRESHNESS = '/timp/suppliers/freshness/';
export const WEBHOOKS = '/timp/notifications/webhooks/';
export const LOGIN = '/timp/organizations/user-login/';
export const MIB = 1024 ** 2;

interface Sending {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** Sends a request and reads its response; returns the status, or 0 if the connection failed. */
export async function ask(url: string, method: string, path: string, sending: Sending = {}) {
  const { token, headers, body } = sending;
  try {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Token ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    return { status: response.status, text, batch: response.headers.get('batch-id') };
  } catch {
    return { status: 0, text: '', batch: null };
  }
}

/** Sends `count` requests, `atOnce` of them at the same time. */
export async function many(
  count: number,
  atOnce: number,
  send: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await send(next);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, one));
}

export function scaled(count: number, share: number): number {
  return Math.max(1, Math.round(count * share));
}

export const bulkOf = (count: number, skus: number, quantity: number): string =>
  JSON.stringify(
    Array.from({ length: count }, (_, i) => ({
      sku_id: `sku-${i % skus}`,
      quantity_in_stock: quantity,
    })),
  );

/** Uploads a file, waits until it is processed, and returns its uuid. */
export async function processed(
  { url, supplier: { token } }: Attacker,
  content: Uint8Array | string,
): Promise<string> {
  const body = new Uint8Array(Buffer.from(content));
  const sent = await ask(url, 'POST', `${FILES}upload/`, {
    token,
    body,
    headers: { 'content-type': 'text/csv' },
  });
  if (sent.status !== 200) throw new Error(`${sent.status} ${sent.text}`);
  const uuid = textAt(JSON.parse(sent.text), 'uuid');
  for (;;) {
    const shown = await ask(url, 'GET', `${FILES}${uuid}/?wait=20`, { token });
    const state = at(JSON.parse(shown.text), 'state');
    if (state !== 'waiting' && state !== 'reading') return uuid;
  }
}

/** The uuid of a batch that changes all SKUs of the attacker. */
export async function changeAll({ url, supplier }: Attacker, quantity: number): Promise<string> {
  const { length } = supplier.skuIds;
  const { batch, status, text } = await ask(url, 'POST', `${BULK}?errors_only=true`, {
    token: supplier.token,
    body: bulkOf(length, length, quantity),
  });
  if (batch === null) throw new Error(`the bulk update failed: ${status} ${text.slice(0, 300)}`);
  return batch;
}

export function headOf(method: string, path: string, lines: readonly string[]): string {
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\n${lines.map((l) => `${l}\r\n`).join('')}\r\n`;
}

export async function flooded(
  url: string,
  count: number,
  text: string,
): Promise<ReadonlyMap<number, number>> {
  const flood = await Flood.send(url, count, text);
  try {
    return await flood.statuses();
  } finally {
    flood.close();
  }
}

/** Sends `text` on each of `count` connections, reads nothing, and closes them when the second tenant was measured. */
export async function holdOpen(
  { url, measured }: Pick<Attacker, 'url' | 'measured'>,
  count: number,
  text: string,
): Promise<void> {
  const flood = await Flood.send(url, count, text);
  await measured();
  flood.close();
}

let quantity = 0;
export const nextQuantity = (): number => (quantity += 1);
