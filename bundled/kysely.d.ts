/** scripts/bundle-kysely.ts writes the code. */
export * from 'kysely';
