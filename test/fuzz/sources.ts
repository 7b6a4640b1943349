/** The URL of the code that is fuzzed. */
export const SOURCES = new URL('../../src/', import.meta.url).href;
