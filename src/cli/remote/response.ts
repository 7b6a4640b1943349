import { OnhandError } from '../../domain/errors.ts';

/** A JSON object of a server's response. Missing members read as null, 0, false or empty. */
export class ResponseObject {
  readonly #members: ReadonlyMap<string, unknown>;

  /** Throws `parameter_invalid` if it is not an object. */
  constructor(json: unknown) {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw unexpectedResponse();
    this.#members = new Map(Object.entries(json));
  }

  /** A string or a number; null for anything else. */
  scalar(name: string): string | number | null {
    const value = this.#members.get(name);
    return typeof value === 'string' || typeof value === 'number' ? value : null;
  }

  number(name: string): number {
    const value = this.#members.get(name);
    return typeof value === 'number' ? value : 0;
  }

  object(name: string): ResponseObject {
    return new ResponseObject(this.#members.get(name) ?? {});
  }

  objects(name: string): readonly ResponseObject[] {
    return responseList(this.#members.get(name) ?? []);
  }

  /** A required array. Throws `parameter_invalid` if it is missing. */
  list(name: string): readonly unknown[] {
    const value = this.#members.get(name);
    if (!Array.isArray(value)) throw unexpectedResponse();
    return value;
  }

  flag(name: string): boolean {
    return this.#members.get(name) === true;
  }

  texts(name: string): readonly string[] {
    const value = this.#members.get(name);
    return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
  }

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }
}

/** The objects of an array. Throws `parameter_invalid` if it is not one. */
export function responseList(json: unknown): readonly ResponseObject[] {
  if (!Array.isArray(json)) throw unexpectedResponse();
  return json.map((element) => new ResponseObject(element));
}

function unexpectedResponse(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    "Unexpected response. Check --url and the server's version.",
  );
}
