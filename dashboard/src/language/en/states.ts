export const states = {
  loading: 'Loading…',
  retry: 'Try again',
  cancel: 'Cancel',
  close: 'Close',
  none: 'none',
  unknown: 'unknown',
  failedTitle: 'That did not work',
  disconnectedTitle: 'The server does not answer',
  disconnectedText: 'Check your connection. Nothing that you see here is lost.',
  notFoundTitle: 'There is nothing here',
  notFoundText: 'The address is wrong, or what it showed does not exist any more.',
  noPermissionTitle: 'You may not see this',
  noPermissionText: (username: string) =>
    `The user ${username} lacks the permission. Ask someone who manages your organization’s access.`,
  toOverview: 'Go to the overview',
  request: (id: string) => `Request ${id}`,
};
