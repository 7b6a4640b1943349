import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { OnhandError } from '../../domain/errors.ts';

/**
 * Asks for a new password: on a terminal twice, without showing it; otherwise it is the first line of
 * stdin. Never an argument, which other users of the machine could read. Rejects with
 * `parameter_invalid` where none comes, or the two differ.
 */
export async function askNewPassword(): Promise<string> {
  if (!process.stdin.isTTY) return readFirstLine();
  const password = await promptHidden('Password: ');
  if ((await promptHidden('Once more: ')) !== password) {
    throw new OnhandError('parameter_invalid', 'The two passwords differ.');
  }
  return password;
}

async function readFirstLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line;
    throw noPassword();
  } finally {
    lines.close();
  }
}

async function promptHidden(prompt: string): Promise<string> {
  process.stderr.write(prompt);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({
    input: process.stdin,
    output: nowhere,
    terminal: true,
    historySize: 0,
  });
  try {
    // Ctrl-D closes the terminal's interface without an answer, Ctrl-C makes the question fail.
    const closed = once(terminal, 'close').then(() => undefined);
    const answered = terminal.question('').catch(() => undefined);
    const answer = await Promise.race([answered, closed]);
    if (answer === undefined) throw noPassword();
    return answer;
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}

function noPassword(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    'No password was given: type it, or send it as the first line of stdin.',
  );
}
