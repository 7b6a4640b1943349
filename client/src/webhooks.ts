import type {
  Webhook,
  WebhookAttempt,
  WebhookAttempts,
  WebhookChange,
  WebhookDraft,
  WebhookList,
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

  /** The latest delivery attempts. */
  async attempts(uuid: string, options: CallOptions = {}): Promise<WebhookAttempts> {
    const request = { method: 'GET', path: `${webhookPath(uuid)}attempts/` } as const;
    return this.#transport.json<WebhookAttempts>(request, options);
  }
}

function webhookPath(uuid: string): string {
  return `${WEBHOOKS_PATH}${encodeURIComponent(uuid)}/`;
}
