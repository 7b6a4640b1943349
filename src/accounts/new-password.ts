import { OnhandError } from '../domain/errors.ts';
import type { AccountStore } from '../store/store.ts';
import { COMMON_PASSWORDS, COMMON_WORDS } from './common-passwords.ts';
import { hashPassword, loginFailed, verifyPassword } from './credentials.ts';

/** The fewest characters of a new password (NIST SP 800-63B allows 8 at the least and asks for 15). */
export const PASSWORD_LENGTH_MIN = 12;
/** More do not make a password stronger, only its check longer. */
const PASSWORD_LENGTH_MAX = 1024;
const DIFFERENT_CHARACTERS_MIN = 5;
/** A shorter username is part of too many passwords by chance. */
const USERNAME_LENGTH_MIN = 4;

/** Letters that are often written as digits and signs. */
const LETTER_OF: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/**
 * Checks a password that a user is to get. Throws `member_invalid` if it is short, common or contains the username;
 * the message says which and never repeats it. Passwords that were accepted earlier stay valid.
 */
export function checkNewPassword(password: string, username: string): void {
  const reason = weaknessOf(password, username);
  if (reason === undefined) return;
  throw new OnhandError(
    'member_invalid',
    `The new password ${reason}. Choose at least ${PASSWORD_LENGTH_MIN} characters, such as four random words.`,
  );
}

function weaknessOf(password: string, username: string): string | undefined {
  if (password === '') return 'is empty';
  const characters = Array.from(password.normalize('NFC'));
  if (characters.length < PASSWORD_LENGTH_MIN) return `has only ${characters.length} characters`;
  if (characters.length > PASSWORD_LENGTH_MAX)
    return `has more than ${PASSWORD_LENGTH_MAX} characters`;
  if (new Set(characters).size < DIFFERENT_CHARACTERS_MIN)
    return `has fewer than ${DIFFERENT_CHARACTERS_MIN} different characters`;
  const lower = password.toLowerCase();
  const name = username.toLowerCase();
  if (name.length >= USERNAME_LENGTH_MIN && lower.includes(name)) return 'contains the username';
  if (COMMON_PASSWORDS.has(lower) || isCommonWord(lower)) return 'is one of the most common ones';
  return undefined;
}

/** Whether a password is a common word, or a repetition of one, with digits and signs in it: `P@ssword1234!`. */
function isCommonWord(lower: string): boolean {
  const spelled = lower.replaceAll(/[0134-57@$!]/g, (sign) => LETTER_OF[sign] ?? sign);
  return [lower, spelled].some((text) => {
    const letters = text.replaceAll(/[^a-z]/g, '');
    const trimmed = text.replaceAll(/^[^a-z]+|[^a-z]+$/g, '');
    return [letters, trimmed, lettersAtStart(lower)].some(isRepeatedWord);
  });
}

/** The word at the start, with signs read as letters, up to the digits and signs that only lengthen it. */
function lettersAtStart(lower: string): string {
  const [start = ''] = /^.*[a-z]/.exec(lower) ?? [];
  return start.replaceAll(/[0134-57@$!]/g, (sign) => LETTER_OF[sign] ?? sign);
}

function isRepeatedWord(text: string): boolean {
  for (let length = 1; length <= text.length; length += 1) {
    const word = text.slice(0, length);
    if (COMMON_WORDS.has(word) && word.repeat(text.length / length) === text) return true;
  }
  return false;
}

/**
 * Replaces the password of a user who knows the current one, and ends the tokens of earlier logins. Rejects with
 * `login_failed` if username and password do not match, as a login does, and with `member_invalid` if the new password
 * is weak or is the current one.
 */
export async function changePassword(
  accounts: Pick<AccountStore, 'findUser' | 'setPassword'>,
  change: { readonly username: string; readonly password: string; readonly newPassword: string },
  verify: typeof verifyPassword = verifyPassword,
): Promise<void> {
  const { username, password, newPassword } = change;
  const user = await accounts.findUser(username);
  const isRight = await verify(password, user?.passwordHash);
  if (user === undefined || !isRight) throw loginFailed();
  if (newPassword === password)
    throw new OnhandError('member_invalid', 'The new password is the current one; choose another.');
  checkNewPassword(newPassword, username);
  await accounts.setPassword(username, await hashPassword(newPassword));
}
