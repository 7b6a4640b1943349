import { describe, expect, test } from 'vitest';
import {
  hashPassword,
  hashToken,
  newToken,
  PASSWORD_BYTES_MAX,
  verifyPassword,
} from '../../src/accounts/credentials.ts';

const encode = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');

describe('a password', () => {
  test('is verified, and another one is rejected', async () => {
    const stored = await hashPassword('correct horse');
    expect(await verifyPassword('correct horse', stored)).toBe(true);
    for (const other of ['correct horse ', 'Correct horse', '', 'x'.repeat(5_000)]) {
      expect(await verifyPassword(other, stored)).toBe(false);
    }
  });

  test('is stored only as a salted scrypt hash with its cost parameters', async () => {
    const [first, second] = await Promise.all([hashPassword('secret'), hashPassword('secret')]);
    expect(first).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(first).not.toBe(second);
    expect(first).not.toContain('secret');
  });

  test('is the same in any Unicode normalization form', async () => {
    const stored = await hashPassword('caf\u00e9');
    expect(await verifyPassword('cafe\u0301', stored)).toBe(true);
    expect(await verifyPassword('cafe', stored)).toBe(false);
  });

  test(`may have at most ${PASSWORD_BYTES_MAX} bytes`, async () => {
    const longest = 'ö'.repeat(PASSWORD_BYTES_MAX / 2);
    const stored = await hashPassword(longest);
    expect(await verifyPassword(longest, stored)).toBe(true);
    expect(await verifyPassword(`${longest}x`, stored)).toBe(false);
    await expect(hashPassword(`${longest}x`)).rejects.toMatchObject({ code: 'parameter_invalid' });
  });

  test('may not be empty', async () => {
    await expect(hashPassword('')).rejects.toMatchObject({ code: 'parameter_invalid' });
  });

  test('of an unknown user is never correct', async () => {
    expect(await verifyPassword('', undefined)).toBe(false);
    expect(await verifyPassword('secret', undefined)).toBe(false);
  });

  test('hashed with another scrypt cost is still verified', async () => {
    // RFC 7914 §12, third vector: "pleaseletmein", "SodiumChloride", N=16384, r=8, p=1.
    const key =
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
      'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887';
    const stored = `$scrypt$ln=14,r=8,p=1$${encode(Buffer.from('SodiumChloride'))}$${encode(Buffer.from(key, 'hex'))}`;
    expect(await verifyPassword('pleaseletmein', stored)).toBe(true);
    expect(await verifyPassword('pleaseletmeout', stored)).toBe(false);
  });

  test.for(['', 'plain', '$scrypt$ln=30,r=8,p=1$AAAA$AAAA', '$scrypt$ln=14,r=8,p=99$AAAA$AAAA'])(
    'stored as %j is an error, not a wrong password',
    async (stored) => {
      await expect(verifyPassword('secret', stored)).rejects.toThrow(/stored password hash/);
    },
  );
});

describe('a token', () => {
  test('has 40 random hex digits', () => {
    const tokens = new Set(Array.from({ length: 1_000 }, newToken));
    expect(tokens.size).toBe(1_000);
    for (const token of tokens) expect(token).toMatch(/^[0-9a-f]{40}$/);
  });

  test('is stored as the SHA-256 of its lower-case form', () => {
    const token = '1083e3ec5c40b36fd663ba925bc8d864061463e2';
    expect(hashToken(token)).toHaveLength(32);
    expect(hashToken(token.toUpperCase())).toEqual(hashToken(token));
    expect(hashToken('abc')).toEqual(
      Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex'),
    );
  });
});
