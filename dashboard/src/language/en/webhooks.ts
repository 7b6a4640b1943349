export const webhooks = {
  subtitle: 'Changes are posted to these addresses as soon as they happen',
  create: 'Create webhook',
  noneTitle: 'No webhooks yet',
  noneText: 'Create one to have every change posted to an address of yours.',
  url: 'URL',
  urlHint: 'Begins with https:// and answers 2xx once it has stored a message.',
  description: 'Description (optional)',
  state: 'State',
  created: 'Created',
  active: 'Active',
  paused: 'Paused',
  secret: 'This secret signs the messages. Your receiver needs it to verify them.',
  test: 'Send a test',
  pause: 'Pause',
  resume: 'Resume',
  rotate: 'Rotate secret',
  rotateWill:
    'A new secret is created. For 24 hours messages are signed with both secrets, so that your receiver can change over. Afterwards the old secret is worthless.',
  delete: 'Delete webhook',
  deleteWill: (url: string) =>
    `Nothing is posted to ${url} any more. Pausing instead keeps its place: delivery continues there later. A deleted webhook cannot be restored.`,
  attempts: 'Latest attempts',
  noAttempts: 'No attempts yet',
  noAttemptsText: 'Send a test, or wait for the next change.',
  when: 'When',
  result: 'Result',
  delivered: 'Delivered',
  failed: 'Failed',
  duration: 'Took',
  milliseconds: (count: string) => `${count} ms`,
  message: 'Message',
  response: 'Response',
  retries:
    'A message that fails is sent again after 5 s, 20 s, 80 s and so on, for 72 hours. Then the webhook is paused; nothing is lost.',
};

export const secret = {
  once: 'It is shown only now.',
  copy: 'Copy',
  copied: 'Copied',
};
