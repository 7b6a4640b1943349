import { expect } from 'vitest';
import { at, textAt } from '../answers.ts';
import { SKUS, type Answer, type Asking, type TestServer } from '../harness.ts';

export const FILES = '/timp/organizations/files/';
export const UPLOAD = `${FILES}upload/`;

/** A supplier that sends files. */
export class FileClient {
  readonly #server: TestServer;
  readonly #token: string;

  constructor(server: TestServer, token: string) {
    this.#server = server;
    this.#token = token;
  }

  ask(method: string, path: string, asking: Asking = {}): Promise<Answer> {
    return this.#server.ask(method, path, { token: this.#token, ...asking });
  }

  /** Uploads a file. Returns its uuid. */
  async upload(body: string | Uint8Array, query = '', headers = {}): Promise<string> {
    const answer = await this.ask('POST', UPLOAD + query, {
      body,
      headers: { 'content-type': 'text/csv', ...headers },
    });
    expect(answer.text).toMatch(/^\{"uuid":"[0-9a-f-]{36}"\}\n$/);
    return textAt(answer.json, 'uuid');
  }

  /** Waits until a file has been processed or is held. */
  async processed(uuid: string): Promise<unknown> {
    const answer = await this.ask('GET', `${FILES}${uuid}/?wait=30`);
    expect(answer.status).toBe(200);
    return answer.json;
  }

  /** The rows of the results of a file. */
  async results(uuid: string): Promise<readonly string[]> {
    const answer = await this.ask('GET', `${FILES}${uuid}/results.csv`);
    expect(answer.status, answer.text).toBe(200);
    return answer.text.trimEnd().split(/\r?\n/);
  }

  /** The stock of each SKU. */
  async stock(): Promise<Record<string, unknown>> {
    const skus = at((await this.ask('GET', SKUS)).json, 'skus');
    if (!Array.isArray(skus)) throw new Error('no skus');
    return Object.fromEntries(
      skus.map((sku: unknown) => [textAt(sku, 'sku_id'), at(sku, 'quantity_in_stock')]),
    );
  }

  /** The uuids of the files, latest first. */
  async listed(): Promise<unknown> {
    const files = at((await this.ask('GET', FILES)).json, 'files');
    return Array.isArray(files) ? files.map((file: unknown) => at(file, 'uuid')) : files;
  }
}
