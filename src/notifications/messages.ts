/** How a message is written for each channel. */
import type { NotificationKind } from '../domain/notifications.ts';
import type { Notification } from './channels.ts';

/** A line of a message. */
export interface MessageLine {
  readonly kind: NotificationKind;
  readonly organizationUuid: string;
  readonly text: string;
}

export interface MessageLines {
  readonly begun: readonly MessageLine[];
  readonly resolved: readonly MessageLine[];
}

/** Most lines of a text. The webhook channel gets all. */
const LINES_MAX = 50;

/** The message as a text with a subject. */
export function notificationOf({ begun, resolved }: MessageLines): Notification {
  return textOf(
    begun.map(({ text }) => text),
    resolved.map(({ text }) => text),
  );
}

/** A text with a subject, of what began and what ended: at least one sentence of either. */
export function textOf(begun: readonly string[], ended: readonly string[]): Notification {
  const lines = [...begun, ...ended.map((line) => `Resolved: ${line}`)];
  const [first = ''] = [...begun, ...ended.map((line) => `resolved: ${line}`)];
  const more = lines.length - 1;
  // A name may contain line breaks, which would end a header.
  const subject = `onhand: ${first}${more > 0 ? ` (and ${more} more)` : ''}`.replaceAll(/\s/g, ' ');
  const omitted = lines.length - LINES_MAX;
  const shown = omitted > 0 ? [...lines.slice(0, LINES_MAX), `… and ${omitted} more.`] : lines;
  return { subject, text: shown.join('\n') };
}

/** The body for an incoming webhook of Slack, Mattermost or Discord (`/slack`). Names must not become links or mentions. */
export function slackBody({ text }: Notification): object {
  return {
    text: text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  };
}

/** The body for a workflow of Microsoft Teams that posts what its webhook receives: an Adaptive Card. */
export function teamsBody({ text }: Notification): object {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: text.split('\n').map((line) => ({
      type: 'TextBlock',
      // The text is Markdown, in which a name could become a link.
      text: line.replaceAll(/[[\]]/g, String.raw`\$&`),
      wrap: true,
    })),
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }],
  };
}

/** The body for a program. */
export function webhookBody(lines: MessageLines): object {
  const { subject, text } = notificationOf(lines);
  return {
    type: 'notification',
    subject,
    text,
    begun: lines.begun.map(printLine),
    resolved: lines.resolved.map(printLine),
  };
}

function printLine({ kind, organizationUuid, text }: MessageLine): object {
  return { kind, organization_uuid: organizationUuid, text };
}
