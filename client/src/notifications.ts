import type {
  NotificationRecipient,
  NotificationRecipientChange,
  NotificationRecipientDraft,
  NotificationRecipientList,
} from './api-types.ts';
import { jsonRequest } from './json-request.ts';
import type { CallOptions, Transport } from './transport.ts';

const RECIPIENTS_PATH = '/timp/notifications/recipients/';

/** Manages who gets notifications. */
export class NotificationsClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list(options: CallOptions = {}): Promise<readonly NotificationRecipient[]> {
    const request = { method: 'GET', path: RECIPIENTS_PATH } as const;
    return (await this.#transport.json<NotificationRecipientList>(request, options)).recipients;
  }

  /** Adds a recipient. An email address gets a code, and nothing else until `confirm` is called with it. */
  async add(
    draft: NotificationRecipientDraft,
    options: CallOptions = {},
  ): Promise<NotificationRecipient> {
    return this.#send(jsonRequest('POST', RECIPIENTS_PATH, draft), options);
  }

  async change(
    uuid: string,
    change: NotificationRecipientChange,
    options: CallOptions = {},
  ): Promise<NotificationRecipient> {
    const edit = jsonRequest('PATCH', recipientPath(uuid), change, { isRepeatable: true });
    return this.#send(edit, options);
  }

  async confirm(
    uuid: string,
    code: string,
    options: CallOptions = {},
  ): Promise<NotificationRecipient> {
    return this.#send(jsonRequest('POST', `${recipientPath(uuid)}confirm/`, { code }), options);
  }

  /** Sends another code. Earlier ones are no longer valid. */
  async sendConfirmation(uuid: string, options: CallOptions = {}): Promise<NotificationRecipient> {
    const path = `${recipientPath(uuid)}send-confirmation/`;
    return this.#send({ method: 'POST', path }, options);
  }

  async remove(uuid: string, options: CallOptions = {}): Promise<void> {
    await this.#transport.none({ method: 'DELETE', path: recipientPath(uuid) }, options);
  }

  #send(
    request: Parameters<Transport['json']>[0],
    options: CallOptions,
  ): Promise<NotificationRecipient> {
    return this.#transport.json<NotificationRecipient>(request, options);
  }
}

function recipientPath(uuid: string): string {
  return `${RECIPIENTS_PATH}${encodeURIComponent(uuid)}/`;
}
