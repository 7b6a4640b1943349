/** The thread that checks the passwords of logins. libuv's few threads also read files and must stay free for that. */
import { scryptSync } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { DerivationReply, DerivationRequest } from './password-checker.ts';

parentPort?.on('message', ({ id, password, salt, keyBytes, options }: DerivationRequest) => {
  const key = scryptSync(password, salt, keyBytes, options);
  const reply: DerivationReply = { id, key };
  parentPort?.postMessage(reply);
});
