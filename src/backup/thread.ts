/** The thread that makes scheduled backups, so that copying and encrypting delay no request. */
import { parentPort } from 'node:worker_threads';
import { backUp, type BackupOrder } from './backup.ts';

parentPort?.once('message', (order: BackupOrder) => {
  // A rejection ends the thread, which then reports it.
  void backUp(order, () => undefined).then((made) => parentPort?.postMessage(made));
});
