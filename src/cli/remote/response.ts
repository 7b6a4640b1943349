import { OnhandError } from '../../domain/errors.ts';

/** An object of a server's answer; what it lacks reads as null. */
export class ResponseObject {
  readonly #members: ReadonlyMap<string, unknown>;

  /** Throws `parameter_invalid` where it is no object. */
  constructor(json: unknown) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw notUnderstood();
    this.#members = new Map(Object.entries(json));
  }

  /** A text or a number, or null where it is neither. */
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

  list(name: string): readonly unknown[] {
    const value = this.#members.get(name);
    if (!Array.isArray(value)) throw notUnderstood();
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

/** The objects of an array. Throws `parameter_invalid` where it is none. */
export function responseList(json: unknown): readonly ResponseObject[] {
  if (!Array.isArray(json)) throw notUnderstood();
  return json.map((element) => new ResponseObject(element));
}

function notUnderstood(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    'The answer of the server is not understood: is it an onhand of this version?',
  );
}
