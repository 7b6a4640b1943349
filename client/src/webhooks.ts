import type {
  Webhook,
  WebhookAttempt,
  WebhookAttempts,
  WebhookChange,
  WebhookDeliveries,
  WebhookDelivery,
  WebhookDeliveryDetails,
  WebhookDraft,
  WebhookList,
  WebhookRecovered,
} from './api-types.ts';
import { jsonRequest } from './json-request.ts';
import type { CallOptions, Transport } from './transport.ts';

const WEBHOOKS_PATH = '/timp/notifications/webhooks/';

/** Registers and manages webhooks. */
export class WebhooksClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list(options: CallOptions = {}): Promise<readonly Webhook[]> {
    const request = { method: 'GET', path: WEBHOOKS_PATH } as const;
    return (await this.#transport.json<WebhookList>(request, options)).webhooks;
  }

  async get(uuid: string, options: CallOptions = {}): Promise<Webhook> {
    return this.#transport.json<Webhook>({ method: 'GET', path: webhookPath(uuid) }, options);
  }

  /** Registers a webhook. Its `secret` is returned only here and by `rotateSecret`. */
  async create(draft: WebhookDraft, options: CallOptions = {}): Promise<Webhook> {
    return this.#transport.json<Webhook>(jsonRequest('POST', WEBHOOKS_PATH, draft), options);
  }

  /** Changes members; `{ is_paused: false }` resumes where delivery stopped. */
  async change(uuid: string, change: WebhookChange, options: CallOptions = {}): Promise<Webhook> {
    return this.#transport.json<Webhook>(
      jsonRequest('PATCH', webhookPath(uuid), change, { isRepeatable: true }),
      options,
    );
  }

  async delete(uuid: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.none({ method: 'DELETE', path: webhookPath(uuid) }, options);
  }

  /** Creates a new secret. Messages are signed with both for 24 hours. */
  async rotateSecret(uuid: string, options: CallOptions = {}): Promise<Webhook> {
    const request = { method: 'POST', path: `${webhookPath(uuid)}rotate-secret/` } as const;
    return this.#transport.json<Webhook>(request, options);
  }

  /** Sends a test message and returns the attempt. */
  async test(uuid: string, options: CallOptions = {}): Promise<WebhookAttempt> {
    const request = { method: 'POST', path: `${webhookPath(uuid)}test/` } as const;
    return this.#transport.json<WebhookAttempt>(request, options);
  }

  /** The latest messages, the one with the latest attempt first. */
  async deliveries(uuid: string, options: CallOptions = {}): Promise<readonly WebhookDelivery[]> {
    const request = { method: 'GET', path: `${webhookPath(uuid)}deliveries/` } as const;
    return (await this.#transport.json<WebhookDeliveries>(request, options)).deliveries;
  }

  /** One message, with the request and the response of each attempt. */
  async delivery(
    uuid: string,
    messageId: string,
    options: CallOptions = {},
  ): Promise<WebhookDeliveryDetails> {
    const request = { method: 'GET', path: deliveryPath(uuid, messageId) } as const;
    return this.#transport.json<WebhookDeliveryDetails>(request, options);
  }

  /** Sends a message again now, with the same ID, and returns the attempt. */
  async sendAgain(
    uuid: string,
    messageId: string,
    options: CallOptions = {},
  ): Promise<WebhookAttempt> {
    const request = { method: 'POST', path: `${deliveryPath(uuid, messageId)}send/` } as const;
    return this.#transport.json<WebhookAttempt>(request, options);
  }

  /** Delivers all changes since a time again; with `isDryRun` only counts them. */
  async recover(
    uuid: string,
    since: Date | string,
    { isDryRun = false, ...options }: CallOptions & { readonly isDryRun?: boolean } = {},
  ): Promise<WebhookRecovered> {
    const body = { since: since instanceof Date ? since.toISOString() : since };
    const request = jsonRequest('POST', `${webhookPath(uuid)}recover/`, body, {
      // Once more delivers the same changes: receivers expect them at least once.
      isRepeatable: true,
      ...(isDryRun && { query: { dry_run: true } }),
    });
    return this.#transport.json<WebhookRecovered>(request, options);
  }

  /** The latest delivery attempts. */
  async attempts(uuid: string, options: CallOptions = {}): Promise<WebhookAttempts> {
    const request = { method: 'GET', path: `${webhookPath(uuid)}attempts/` } as const;
    return this.#transport.json<WebhookAttempts>(request, options);
  }
}

function deliveryPath(uuid: string, messageId: string): string {
  return `${webhookPath(uuid)}deliveries/${encodeURIComponent(messageId)}/`;
}

function webhookPath(uuid: string): string {
  return `${WEBHOOKS_PATH}${encodeURIComponent(uuid)}/`;
}
