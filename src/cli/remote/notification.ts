import { Argument, Command, Option } from 'commander';
import type {
  NotificationRecipient,
  NotificationRecipientChange,
} from '../../../client/src/index.ts';
import { DIGESTS, NOTIFICATION_KINDS, RECIPIENT_CHANNELS } from '../../domain/notifications.ts';
import type { CommandContext } from '../context.ts';
import { jsonOption, wholeNumberParser } from '../options.ts';
import { formatTable, printList } from '../output.ts';
import { withServer } from './client.ts';
import { remoteOptions, type RemoteOptions } from './options.ts';

const REPEAT_MINUTES_MAX = 10_080;

interface ChoiceOptions extends RemoteOptions {
  readonly kind?: readonly (typeof NOTIFICATION_KINDS)[number][];
  readonly digest?: (typeof DIGESTS)[number];
  readonly dailyAt?: string;
  /** `20:00-07:00`, or `off`. */
  readonly quiet?: string;
  readonly timeZone?: string;
  readonly repeatAfter?: number;
  readonly resolved?: 'on' | 'off';
}

export function notificationCommand(context: CommandContext): Command {
  return new Command('notification')
    .description(
      "Manages the recipients of an organization's notifications on a server, with a token of the organization.",
    )
    .addCommand(listCommand(context))
    .addCommand(addCommand(context))
    .addCommand(changeCommand(context))
    .addCommand(confirmCommand(context))
    .addCommand(sendConfirmationCommand(context))
    .addCommand(removeCommand(context));
}

const COLUMNS = ['uuid', 'channel', 'address', 'confirmed', 'digest', 'last_sent', 'last_failure'];

function listCommand(context: CommandContext): Command {
  return remote(
    new Command('list')
      .summary('list the recipients')
      .description('Lists the recipients. Of URLs, which are secrets, it shows only the beginning.')
      .addOption(jsonOption()),
    '--token-file token.txt',
  ).action(async (options: RemoteOptions & { readonly json?: true }) => {
    await withServer(context, options, async (onhand) => {
      const recipients = await onhand.notifications.list();
      if (options.json === true) {
        context.print(JSON.stringify(recipients, null, 2));
        return;
      }
      const records = recipients.map(({ is_confirmed: isConfirmed, ...recipient }) => ({
        uuid: recipient.uuid,
        channel: recipient.channel,
        address: recipient.address,
        confirmed: isConfirmed ? 'yes' : 'no',
        digest: recipient.digest,
        last_sent: recipient.last_sent,
        last_failure: recipient.last_failure,
      }));
      printList(context, COLUMNS, records, false);
    });
  });
}

function addCommand(context: CommandContext): Command {
  const command = new Command('add')
    .summary('add a recipient')
    .description(
      'Adds a recipient and shows it. An email address gets a code: give it to "onhand notification confirm". Without options, it gets all kinds immediately.',
    )
    .addArgument(
      new Argument('<channel>', 'how the recipient is reached').choices(RECIPIENT_CHANNELS),
    )
    .argument('<address>', 'email address, or URL of the incoming webhook');
  return remote(
    withChoices(command),
    'email stock@acme.example --digest daily --time-zone Europe/Berlin --token-file token.txt',
  ).action(
    async (
      channel: (typeof RECIPIENT_CHANNELS)[number],
      address: string,
      options: ChoiceOptions,
    ) => {
      await withServer(context, options, async (onhand) => {
        const draft = { channel, address, ...choicesOf(options) };
        show(context, await onhand.notifications.add(draft));
      });
    },
  );
}

function changeCommand(context: CommandContext): Command {
  const command = new Command('change')
    .summary('change which notifications a recipient gets, and when')
    .description('Changes a recipient and shows it. What is not given stays.')
    .argument('<uuid>', 'the recipient, as "onhand notification list" shows it');
  return remote(withChoices(command), '<uuid> --quiet 20:00-07:00 --token-file token.txt').action(
    async (uuid: string, options: ChoiceOptions) => {
      await withServer(context, options, async (onhand) =>
        show(context, await onhand.notifications.change(uuid, choicesOf(options))),
      );
    },
  );
}

function confirmCommand(context: CommandContext): Command {
  return remote(
    new Command('confirm')
      .summary('confirm an email address')
      .description('Confirms an email address with the code that was sent to it.')
      .argument('<uuid>', 'the recipient, as "onhand notification list" shows it')
      .argument('<code>', 'the code from the email'),
    '<uuid> ABCDEFGHJK --token-file token.txt',
  ).action(async (uuid: string, code: string, options: RemoteOptions) => {
    await withServer(context, options, (onhand) => onhand.notifications.confirm(uuid, code));
    context.print('Confirmed.');
  });
}

function sendConfirmationCommand(context: CommandContext): Command {
  return remote(
    new Command('send-confirmation')
      .summary('send the email with the code again')
      .description('Sends the email with the code again. Earlier codes are no longer valid.')
      .argument('<uuid>', 'the recipient, as "onhand notification list" shows it'),
    '<uuid> --token-file token.txt',
  ).action(async (uuid: string, options: RemoteOptions) => {
    await withServer(context, options, async (onhand) =>
      show(context, await onhand.notifications.sendConfirmation(uuid)),
    );
  });
}

function removeCommand(context: CommandContext): Command {
  return remote(
    new Command('remove')
      .summary('remove a recipient')
      .description('Removes a recipient: nothing is sent to it from now on.')
      .argument('<uuid>', 'the recipient, as "onhand notification list" shows it'),
    '<uuid> --token-file token.txt',
  ).action(async (uuid: string, options: RemoteOptions) => {
    await withServer(context, options, (onhand) => onhand.notifications.remove(uuid));
    context.print('Removed.');
  });
}

function remote(command: Command, example: string): Command {
  for (const option of remoteOptions()) command.addOption(option);
  return command.addHelpText(
    'after',
    `\nExample:\n  onhand notification ${command.name()} ${example}`,
  );
}

function withChoices(command: Command): Command {
  return command
    .addOption(new Option('--kind <kinds...>', 'which kinds it gets').choices(NOTIFICATION_KINDS))
    .addOption(new Option('--digest <when>', 'when messages are sent').choices(DIGESTS))
    .option('--daily-at <time>', 'when a daily digest is sent')
    .option('--quiet <times>', 'when nothing is sent, such as 20:00-07:00, or "off" for none')
    .option('--time-zone <name>', 'time zone of these times, such as Europe/Berlin')
    .addOption(
      new Option(
        '--repeat-after <minutes>',
        'how long the same condition is not repeated, in minutes',
      ).argParser(wholeNumberParser(0, REPEAT_MINUTES_MAX)),
    )
    .addOption(
      new Option('--resolved <choice>', 'whether a message follows when a condition ends').choices([
        'on',
        'off',
      ]),
    );
}

function choicesOf(options: ChoiceOptions): NotificationRecipientChange {
  const { kind, digest, dailyAt, quiet, timeZone, repeatAfter, resolved } = options;
  const [from = '', until = ''] = quiet?.split('-') ?? [];
  return {
    ...(kind !== undefined && { kinds: [...kind] }),
    ...(digest !== undefined && { digest }),
    ...(dailyAt !== undefined && { daily_at: dailyAt }),
    ...(quiet !== undefined &&
      (quiet === 'off'
        ? { quiet_from: null, quiet_until: null }
        : { quiet_from: from, quiet_until: until })),
    ...(timeZone !== undefined && { time_zone: timeZone }),
    ...(repeatAfter !== undefined && { repeat_after_minutes: repeatAfter }),
    ...(resolved !== undefined && { tells_resolved: resolved === 'on' }),
  };
}

function show(context: CommandContext, recipient: NotificationRecipient): void {
  const members = Object.entries(recipient).map(([member, value]) => ({
    member,
    value: typeof value === 'boolean' ? String(value) : value,
  }));
  context.print(formatTable(['member', 'value'], members));
}
