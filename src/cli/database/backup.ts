import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { backUp } from '../../backup/backup.ts';
import { restoreBackup } from '../../backup/restore.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption, wholeNumberParser } from '../options.ts';
import { printFinding } from '../output.ts';

interface BackupOptions {
  readonly database: string;
  readonly recipient: readonly string[];
  readonly keep?: number;
  readonly keepDays?: number;
}

const KEPT_MAX = 100_000;

export function backupCommand(context: CommandContext): Command {
  return new Command('backup')
    .description(
      'Copies an SQLite database, as of one moment, into a new file. A server can use the database meanwhile. ' +
        'A directory gets a compressed file with the time in its name, and its old backups are deleted. A file is compressed if its ' +
        'name ends in .zst (or .zst.age). When the command ends, the backup was opened, checked and is on disk. ' +
        'Uploaded files and their results are not in it: copy the files folder as well.\n\n' +
        '"onhand restore" restores it. For PostgreSQL, use pg_dump or pg_basebackup instead.',
    )
    .argument(
      '[target]',
      'an existing directory, or the file to create (default: the setting ONHAND_BACKUP_DIRECTORY)',
    )
    .addOption(databaseOption())
    .addOption(
      new Option(
        '--recipient <key>',
        'encrypt for the owner of this public key of age (age1…); may be repeated (setting: ONHAND_BACKUP_RECIPIENTS)',
      )
        .argParser((key: string, keys: readonly string[]) => [...keys, key])
        .default([], 'none'),
    )
    .addOption(
      new Option(
        '--keep <number>',
        'how many of the latest backups to keep in the directory (setting: ONHAND_BACKUPS_KEPT)',
      ).argParser(wholeNumberParser(1, KEPT_MAX)),
    )
    .addOption(
      new Option(
        '--keep-days <number>',
        'also keep all of these last days (setting: ONHAND_BACKUPS_KEPT_DAYS)',
      ).argParser(wholeNumberParser(0, KEPT_MAX)),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  onhand backup /backups --keep 14\n  onhand backup /backups/before-upgrade.db.zst',
    )
    .action(async (given: string | undefined, options: BackupOptions) => {
      const settings = context.settings();
      const target = given ?? settings.backupDirectory;
      if (target === null) {
        throw new OnhandError(
          'parameter_invalid',
          'Name the directory or the file to back up to, or set ONHAND_BACKUP_DIRECTORY.',
        );
      }
      const { ProgressBar } = await import('../progress.ts');
      const bar = new ProgressBar(context);
      const { recipient, keep, keepDays } = options;
      try {
        const { file, deleted } = await backUp(
          {
            database: options.database,
            target: resolve(target),
            recipients: recipient.length > 0 ? recipient : settings.backupRecipients,
            kept: {
              count: keep ?? settings.backupsKept,
              days: keepDays ?? settings.backupsKeptDays,
            },
            nowMs: Date.now(),
            settings,
          },
          (copied, total) => bar.show('copying', copied, total),
        );
        context.print(`Backed up to ${file}.`);
        for (const name of deleted) context.note(`Deleted the old backup ${name}.`);
      } finally {
        bar.stop();
      }
    });
}

interface RestoreOptions {
  readonly database: string;
  readonly identityFile?: string;
}

export function restoreCommand(context: CommandContext): Command {
  return new Command('restore')
    .description(
      'Reads a backup (compressed or encrypted or neither), checks it as "onhand doctor" does, and puts it in the place of ' +
        'the database. It never overwrites: move the old database away first, with its -wal and -shm files. A backup of an earlier ' +
        'version is migrated; one of a newer version is refused.',
    )
    .argument('<backup>', 'the backup')
    .addOption(databaseOption())
    .option(
      '--identity-file <file>',
      'file with the private key of age that decrypts the backup, as age-keygen writes it',
    )
    .addHelpText('after', '\nExample:\n  onhand restore /backups/onhand-20261128T070000Z.db.zst')
    .action(async (backup: string, { database, identityFile }: RestoreOptions) => {
      const { file, backupBytes, bytes, fromVersion, toVersion } = await restoreBackup({
        backup: resolve(backup),
        database,
        identityFile,
        settings: context.settings(),
        onFinding: (finding) => printFinding(context, finding),
      });
      context.print(
        `Restored ${file} (${mebibytes(bytes)}) from ${resolve(backup)} (${mebibytes(backupBytes)}). All checks passed.`,
      );
      context.print(
        fromVersion === toVersion
          ? `The schema has version ${toVersion}, as in the backup.`
          : `The schema was migrated from version ${fromVersion} to ${toVersion}.`,
      );
      context.print(
        'Not in a backup: uploaded files, and lines that were answered after it. Ask suppliers to send their stock again.',
      );
    });
}

const MIB = 1024 * 1024;

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
