import { open, readFile, type FileHandle } from 'node:fs/promises';
import { Command } from 'commander';
import { missingDatabaseFile } from '../../databases.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { AdminStore } from '../../store/store.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption } from '../options.ts';
import { formatTime } from '../output.ts';
import { withStore } from './accounts.ts';
import {
  changesFor,
  EMPTY_STATE,
  readState,
  type ApplyChange,
  type CurrentState,
  type KeepToken,
} from './apply-changes.ts';
import { APPLY_COLUMNS, readApplyFile } from './apply-file.ts';

interface ApplyOptions {
  readonly database: string;
  readonly dryRun?: true;
  readonly tokens?: string | undefined;
}

const TO_STDOUT = '-';
const SECRET_MODE = 0o600;

export function applyCommand(context: CommandContext): Command {
  return new Command('apply')
    .description(
      'Creates the organizations, connections, expected intervals and tokens that a CSV file lists and the ' +
        'database does not have; deletes nothing. The file is checked completely before anything is applied. ' +
        'Repeating the command changes nothing.\n\n' +
        `Columns: ${APPLY_COLUMNS.join(', ')}. One row per organization, or several with a token each. ` +
        'connections: names separated by |. expected_minutes: a number or "never". token: "all" or permissions ' +
        'separated by spaces; an organization that has a valid token with these permissions gets no other.',
    )
    .argument('<file>', 'the CSV file, with a header row')
    .option('--dry-run', 'show what would change and change nothing')
    .option(
      '--tokens <file>',
      'write new tokens to this new file, which only you can read; - means stdout',
    )
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand apply partners.csv --tokens partners-tokens.csv')
    .action(async (path: string, options: ApplyOptions) => {
      const text = await readText(path);
      if (missingDatabaseFile(options.database) !== null) {
        // Before the database is created.
        const planned = planOf(text, EMPTY_STATE);
        if (options.dryRun === true) return showDryRun(context, planned);
        requireTokensTarget(planned, options);
      }
      await withStore(context, options.database, async (store) => {
        const planned = planOf(text, await readState(store, Date.now()));
        if (options.dryRun === true) showDryRun(context, planned);
        else await applyAll(context, store, planned, options);
      });
    });
}

function planOf(text: string, state: CurrentState): readonly ApplyChange[] {
  return changesFor(
    readApplyFile(text, (name) => state.organizations.get(name)?.type),
    state,
  );
}

function showDryRun(context: CommandContext, planned: readonly ApplyChange[]): void {
  for (const { text } of planned) context.print(text);
  context.note(`Would create or change ${summaryOf(planned)}. Nothing was changed.`);
}

async function applyAll(
  context: CommandContext,
  store: Pick<AdminStore, 'accounts' | 'changes'>,
  planned: readonly ApplyChange[],
  { tokens }: ApplyOptions,
): Promise<void> {
  const tokenCount = requireTokensTarget(planned, { tokens });
  const file = tokenCount > 0 && tokens !== TO_STDOUT ? await createSecretFile(tokens ?? '') : null;
  const write = async (row: string): Promise<void> => {
    if (file === null) context.print(row);
    else await file.appendFile(`${row}\n`);
  };
  const keepToken: KeepToken = async ({ organization, permissions, expiresAtMs, token }) => {
    const cells = [organization, permissions.join(' '), formatTime(expiresAtMs) ?? '', token];
    await write(cells.map(csvCell).join(','));
    // On disk before the token opens anything: one that is lost could only be revoked.
    await file?.sync();
  };
  let applied = 0;
  try {
    if (tokenCount > 0) await write('organization,permissions,expires,token');
    for (const change of planned) {
      await change.run(store, keepToken);
      applied += 1;
      // With the tokens on stdout, it must hold nothing else.
      if (tokens === TO_STDOUT) context.note(change.text);
      else context.print(change.text);
    }
  } catch (error) {
    context.note(
      `onhand: stopped after ${applied} of ${planned.length} changes. Run the same command again to make the others${file === null ? '' : ', with another --tokens file'}.`,
    );
    throw error;
  } finally {
    await file?.close();
  }
  context.note(`Created or changed ${summaryOf(planned)}.`);
}

/** Returns how many tokens are to be created. Throws `parameter_invalid` if there are some and nowhere to write them. */
function requireTokensTarget(
  planned: readonly ApplyChange[],
  { tokens }: Pick<ApplyOptions, 'tokens'>,
): number {
  const count = planned.filter(({ kind }) => kind === 'token').length;
  if (count === 0 || tokens !== undefined) return count;
  throw new OnhandError(
    'parameter_invalid',
    `${count} tokens would be created, and they cannot be shown again. Say where they go: --tokens FILE, or --tokens - for stdout. Nothing was applied.`,
  );
}

function summaryOf(planned: readonly ApplyChange[]): string {
  if (planned.length === 0) return 'nothing: the database has all that the file asks for';
  const names = {
    organization: 'organizations',
    connection: 'connections',
    interval: 'expected intervals',
    token: 'tokens',
  } as const;
  return Object.entries(Object.groupBy(planned, ({ kind }) => names[kind]))
    .map(([name, changes]) => `${changes.length} ${name}`)
    .join(', ');
}

async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is not UTF-8' : String(error);
    throw new OnhandError('parameter_invalid', `The file ${path} cannot be read: ${reason}`);
  }
}

async function createSecretFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', SECRET_MODE);
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new OnhandError(
      'parameter_invalid',
      isThere
        ? `The file ${path} exists already: name a new one for the tokens.`
        : `The file ${path} cannot be created: ${String(error)}`,
    );
  }
}

function csvCell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
