import { expect } from 'vitest';

/** Stands for any text that matches, in what is expected. */
export function textMatching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

/** Stands for any number, in what is expected. */
export function anyNumber(): unknown {
  return expect.any(Number);
}
