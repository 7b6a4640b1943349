/**
 * Receives webhooks of onhand and keeps the stock of a shop up to date.
 *
 *     npm install onhand-client
 *     WEBHOOK_SECRET=whsec_… PORT=8090 node receiver.ts
 *
 * Register its address with POST /timp/notifications/webhooks/; the reply has the secret. While a secret is rotated, set
 * both, separated by a space. Needs Node.js 22.13 or newer.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { SignatureInvalid, verifyWebhook, type WebhookMessage } from 'onhand-client';

/** Larger bodies are refused: a message has at most 500 changes. */
const BODY_BYTES_MAX = 1024 * 1024;

/** The stock of the shop. */
export class Shop {
  readonly #db: DatabaseSync;

  /** @param path of a SQLite database, which is created if there is none */
  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS delivery (id TEXT PRIMARY KEY);
      CREATE TABLE IF NOT EXISTS stock (sku_id TEXT PRIMARY KEY, quantity INTEGER, is_sold INTEGER NOT NULL)`);
  }

  /**
   * Applies a message once. onhand sends it again if it got no answer: the delivery's ID is stored in the same
   * transaction as what the message says.
   *
   * @returns whether it is new
   */
  apply(deliveryId: string, { data: { records = [] } }: WebhookMessage): boolean {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const isNew =
        this.#db.prepare('INSERT INTO delivery VALUES (?) ON CONFLICT DO NOTHING').run(deliveryId)
          .changes > 0;
      const upsert = this.#db.prepare('INSERT OR REPLACE INTO stock VALUES (?, ?, ?)');
      for (const record of isNew ? records : []) {
        if (record.kind !== 'change') continue;
        const { quantity_in_stock, restrictions } = record.after;
        upsert.run(record.sku.sku_id, quantity_in_stock, restrictions === null ? 1 : 0);
      }
      this.#db.exec('COMMIT');
      return isNew;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** How many units can be sold. */
  available(skuId: string): number {
    const row = this.#db
      .prepare('SELECT quantity FROM stock WHERE sku_id = ? AND is_sold = 1')
      .get(skuId);
    return Number(row?.['quantity'] ?? 0);
  }

  close(): void {
    this.#db.close();
  }
}

/** A server that answers 204 once a message is stored, 401 to a wrong signature, and 500 if it should come again. */
export function receiver(shop: Shop, secrets: readonly string[]): Server {
  return createServer((request, response) => {
    receive(shop, secrets, request)
      .catch((error: unknown) => {
        console.error(error);
        return 500;
      })
      .then((status) => response.writeHead(status).end())
      .catch(console.error);
  });
}

async function receive(
  shop: Shop,
  secrets: readonly string[],
  request: IncomingMessage,
): Promise<number> {
  if (request.method !== 'POST') return 405;
  if (!(Number(request.headers['content-length']) <= BODY_BYTES_MAX)) return 413;
  // The raw bytes: the signature is over them, not over what a parser makes of them.
  const body = await buffer(request);
  try {
    const message = await verifyWebhook(body, request.headers, secrets);
    shop.apply(String(request.headers['webhook-id']), message);
    return 204;
  } catch (error) {
    if (error instanceof SignatureInvalid) return 401;
    throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { WEBHOOK_SECRET = '', PORT = '8090', SHOP_DATABASE = 'shop.db' } = process.env;
  receiver(new Shop(SHOP_DATABASE), WEBHOOK_SECRET.split(' ')).listen(Number(PORT));
}
