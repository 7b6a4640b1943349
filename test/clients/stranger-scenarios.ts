import { expect } from 'vitest';
import type { Scenario } from './scenarios.ts';
import { answer, answering, cutAfter, redirectTo, silentAfter } from './strangers.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** What every client does where something else than the server answers. */
export const STRANGER_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a redirect is an error, so that the token is sent to no other server',
    program: 'redirected',
    skus: 1,
    input: {},
    stranger: redirectTo,
    check: (output) => {
      const redirect = { class: 'UnexpectedResponse', status: 307, code: 'unexpected_response' };
      expect(output).toMatchObject({ read: redirect, update: redirect, stream: redirect });
    },
  },
  {
    title: 'an answer that is not from onhand is an error, and no line is taken for applied',
    program: 'strange_answers',
    skus: 0,
    input: { count: 7 },
    stranger: () => {
      const page = { 'content-type': 'text/html' };
      const html = '<html>Log in to the network</html>';
      return answering(
        answer(200, page, html),
        answer(200, JSON_TYPE, '[]'),
        answer(200, { ...JSON_TYPE, 'lines-succeeded': '2' }, '[]'),
        answer(200, { ...JSON_TYPE, 'lines-succeeded': '0' }, '[{"index":1,"status_code":404}]'),
        answer(413, page, html),
        answer(502, page, html),
        cutAfter('['),
      );
    },
    check: (output) => {
      const unexpected = { class: 'UnexpectedResponse', code: 'unexpected_response', line: 0 };
      const applied = { ...unexpected, status: 200, is_retry_safe: false };
      expect(output).toMatchObject([
        { class: 'UnexpectedResponse', code: 'unexpected_response', status: 200 },
        applied,
        applied,
        applied,
        { ...unexpected, status: 413 },
        { ...unexpected, status: 502, code: 'proxy_failed', is_retry_safe: true },
        { class: 'ConnectionFailed', status: 0, is_retry_safe: true },
      ]);
    },
  },
  {
    title: 'an update that an older client began goes on with requests like those of that client',
    program: 'update_from_older_state',
    skus: 0,
    input: {},
    stranger: () => (request, response) => {
      const results = '[{"status_code":200,"message":"success"}]';
      const isLikeOlder = request.url?.includes('errors_only') === false;
      answer(isLikeOlder ? 200 : 422, JSON_TYPE, isLikeOlder ? results : '{}')(response);
    },
    check: (output) => {
      expect(output).toEqual([[1, 200]]);
    },
  },
  {
    title:
      'the wait that a server asks for is read as seconds, or as a date by the clock of the server',
    program: 'strange_answers',
    skus: 0,
    input: { count: 2 },
    stranger: () =>
      answering(
        answer(503, { 'retry-after': '7' }, ''),
        answer(
          429,
          {
            date: 'Sun, 01 Nov 2020 08:00:00 GMT',
            'retry-after': 'Sun, 01 Nov 2020 08:00:20 GMT',
          },
          '',
        ),
      ),
    check: (output) => {
      expect(output).toMatchObject([
        { status: 503, retry_after: 7 },
        { status: 429, retry_after: 20 },
      ]);
    },
  },
  {
    title: 'the results of a file are read again after nothing more of them arrived',
    program: 'silent_results',
    skus: 0,
    input: {},
    stranger: () => {
      const silent = silentAfter('sku_id');
      return answering(silent, silent, answer(200, {}, 'sku_id\n'));
    },
    check: (output) => {
      expect(output).toEqual({ once: 'TimedOut', results: 'sku_id\n' });
    },
  },
];
