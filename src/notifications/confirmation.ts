/** The confirmation of email addresses: the owner passes a code on to the organization that asked. */
import { createHash, randomInt } from 'node:crypto';
import { emailChannel, type MailSettings } from './channels.ts';

/** Without letters and digits that look alike. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';
const CODE_LENGTH = 10;

/** A random code of 49 bits, of which a few wrong ones may be given. */
export function newConfirmationCode(): string {
  return Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** The hash that is stored of a code, whatever its case and spacing. */
export function confirmationCodeHash(code: string): string {
  return createHash('sha256').update(code.replaceAll(/[\s-]/g, '').toUpperCase()).digest('hex');
}

/** Each spelling of a mailbox that most mail servers deliver to it: for counting, not for sending. */
export function mailboxOf(address: string): string {
  const [local = '', domain = ''] = address.toLowerCase().split('@');
  return `${local.split('+', 1)[0]}@${domain}`;
}

/** Asks the owner of an address. Rejects if the mail server does not accept the message. */
export async function sendConfirmation(
  mail: MailSettings,
  { to, organization, code }: Readonly<Record<'to' | 'organization' | 'code', string>>,
): Promise<void> {
  const name = organization.replaceAll(/\s/g, ' ');
  await emailChannel({ ...mail, to }).send({
    subject: `onhand: ${name} asks to send you notifications`,
    text: [
      `${name} wants to send notifications about its inventory to this address.`,
      '',
      `If you agree, give this code to the person who asked for it: ${code}`,
      'The code is valid for 24 hours.',
      '',
      'If you do not agree, ignore this message. Nothing else is sent without the code.',
    ].join('\n'),
  });
}
