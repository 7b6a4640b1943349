import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workplace } from './onhand.ts';

describe('onhand audit', () => {
  let work: Workplace;

  beforeAll(async () => {
    work = await Workplace.make();
    await work.succeed('organization', 'create', '--type', 'supplier', 'Acme');
    await work.succeed('organization', 'create', '--type', 'retailer', '=Shop');
    await work.succeed('token', 'create', '--organization', 'Acme');
  });

  afterAll(() => work.remove());

  test('shows the latest entries as a table', async () => {
    const lines = (await work.succeed('audit', '--limit', '2')).trim().split('\n');
    expect(lines[0]).toMatch(
      /^SEQUENCE +AT +ACTION +ORGANIZATION +SUBJECT +ACTOR +ADDRESS +DETAILS$/,
    );
    expect(lines[1]).toMatch(/^2 +\d{4}-\S+Z +organization\.created .*"command_line"/);
    expect(lines[2]).toMatch(/^3 .*token\.created/);
    expect(lines).toHaveLength(3);
  });

  test('exports all entries of an organization as NDJSON, without tokens', async () => {
    const text = await work.succeed('audit', '--format', 'ndjson', '--organization', 'Acme');
    const entries = text
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(entries).toMatchObject([
      { sequence: 1, action: 'organization.created', details: { name: 'Acme' } },
      { sequence: 3, action: 'token.created', actor: { kind: 'command_line' } },
    ]);
    expect(text).not.toMatch(/"[0-9a-f]{40}"/);
  });

  test('exports CSV that a spreadsheet does not execute', async () => {
    const text = await work.succeed('audit', '--format', 'csv', '--after', '1', '--limit', '1');
    const [head, row] = text.trim().split('\n');
    expect(head).toBe(
      'sequence,at,action,organization,subject,actor,address,details,request_id,hash',
    );
    expect(row).toMatch(/^2,.*=Shop.*,[0-9a-f]{64}$/);
  });
});
