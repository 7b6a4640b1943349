import { expect } from 'vitest';
import type { Line } from '../../client/src/index.ts';
import { at, textAt } from '../http/answers.ts';
import { STRANGER_SCENARIOS } from './stranger-scenarios.ts';
import type { Stranger } from './strangers.ts';
import type { World } from './world.ts';

/** What a program gets; which members, its scenario decides. */
export interface ProgramInput {
  readonly url: string;
  readonly token: string;
  readonly lines: readonly Line[];
  readonly errors_only: boolean;
  /** How many lines are made, each of which adds one to the next of `skus` SKUs. */
  readonly line_count: number;
  readonly skus: number;
  readonly chunk_lines: number;
  readonly retries: number;
  /** After how many results the program stops taking them. */
  readonly stop_after: number;
  /** How many changes are awaited. */
  readonly count: number;
  readonly upca: string;
  /** The SKU that the program changes. */
  readonly sku_id: string;
  readonly filename: string;
  readonly text: string;
  readonly reference: string;
}

/** What a program gets where its scenario gives nothing. */
export const INPUT_DEFAULTS: Omit<ProgramInput, 'url' | 'token'> = {
  lines: [],
  errors_only: false,
  line_count: 0,
  skus: 0,
  chunk_lines: 1000,
  retries: 3,
  stop_after: 0,
  count: 0,
  upca: '',
  sku_id: '',
  filename: '',
  text: '',
  reference: '',
};

/**
 * What every client does in the same way. Each client has the programs that `program` names: a program gets `input`, a
 * URL and a token, uses the client, and returns JSON.
 */
export interface Scenario {
  readonly title: string;
  readonly program: string;
  /** How many SKUs the supplier has: S0, S1, … each with a stock of 0. */
  readonly skus: number;
  readonly input: Partial<Omit<ProgramInput, 'url' | 'token'>>;
  /** Answers instead of the server, whose URL it gets. */
  readonly stranger?: (url: string) => Stranger;
  /** After how many bytes the connections between client and server are cut, one after another. */
  readonly cuts?: readonly number[];
  /** Happens while the program runs. */
  readonly meanwhile?: (world: World) => Promise<void>;
  readonly check: (output: unknown, world: World) => Promise<void> | void;
}

/** Cuts a connection in a request, in an answer, and in the request after that. */
const CUTS = [150, 60_000, 500];

/** Restarts the server once some lines are applied. */
async function restartInTheMiddle(world: World): Promise<void> {
  await expect.poll(() => world.batchCount()).toBeGreaterThan(1);
  await world.server.restart();
}

/** A group that begins in one chunk of two lines and would end in the next. */
const GROUP_ACROSS_CHUNKS = {
  chunk_lines: 2,
  lines: [
    { sku_id: 'S0', quantity_in_stock: 1 },
    { sku_id: 'S1', quantity_in_stock: 1, group: 'kit' },
    { sku_id: 'S2', quantity_in_stock: 1, group: 'kit' },
    { sku_id: 'MISSING', quantity_in_stock: 1, group: 'kit' },
    { sku_id: 'S3', quantity_in_stock: 1 },
    { sku_id: 'S4', quantity_in_stock: 1, group: 'pair' },
    { sku_id: 'S5', quantity_in_stock: 1, group: 'pair' },
  ],
} as const;

async function isAppliedByGroup(output: unknown, world: World): Promise<void> {
  const statuses = [200, 424, 424, 404, 200, 200, 200];
  expect(output).toMatchObject(statuses.map((status_code, index) => ({ index, status_code })));
  expect(await world.stockTotal()).toBe(4);
}

const exactly =
  (total: number) =>
  async (output: unknown, world: World): Promise<void> => {
    expect(output).toEqual({ lines: total, applied: total, inOrder: true });
    expect(await world.stockTotal()).toBe(total);
  };

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'update yields the result of each line in order, with the line',
    program: 'update_lines',
    skus: 3,
    input: {
      chunk_lines: 2,
      lines: [
        { sku_id: 'S0', quantity_in_stock: 7 },
        { sku_id: 'S1', quantity_in_stock: -1 },
        { sku_id: 'MISSING', quantity_in_stock: 1 },
        { sku_id: 'S2', quantity_in_stock: 9 },
      ],
    },
    check: async (output, world) => {
      expect(output).toMatchObject([
        { index: 0, status_code: 200, line: { sku_id: 'S0' } },
        { index: 1, status_code: 400, line: { sku_id: 'S1' } },
        { index: 2, status_code: 404, line: { sku_id: 'MISSING' } },
        { index: 3, status_code: 200, line: { sku_id: 'S2' } },
      ]);
      expect(await world.stockTotal()).toBe(16);
    },
  },
  {
    title: 'update with errors only yields the lines that failed, with their index among all',
    program: 'update_lines',
    skus: 3,
    input: {
      chunk_lines: 2,
      errors_only: true,
      lines: [
        { sku_id: 'S0', quantity_in_stock: 7 },
        { sku_id: 'S1', quantity_in_stock: 8 },
        { sku_id: 'S2', quantity_in_stock: 9 },
        { sku_id: 'MISSING', quantity_in_stock: 1 },
      ],
    },
    check: (output) => {
      expect(output).toMatchObject([{ index: 3, status_code: 404, line: { sku_id: 'MISSING' } }]);
    },
  },
  {
    title:
      'update fails all lines of a group if one fails, also a group that is longer than a chunk',
    program: 'update_lines',
    skus: 6,
    input: GROUP_ACROSS_CHUNKS,
    check: isAppliedByGroup,
  },
  {
    title:
      'stream fails all lines of a group if one fails, also a group that is longer than a chunk',
    program: 'stream_lines',
    skus: 6,
    input: GROUP_ACROSS_CHUNKS,
    check: isAppliedByGroup,
  },
  {
    title: 'a group that is too long to be applied at once is an error before any of it is sent',
    program: 'long_group',
    skus: 2,
    input: { line_count: 10_001, chunk_lines: 1000 },
    check: async (output, world) => {
      const message: unknown = expect.stringContaining(
        'The group "kit", which begins at line 1, has more than 10000 lines',
      );
      expect(output).toEqual({ update: [1, message], stream: message });
      expect(await world.stockTotal()).toBe(1);
    },
  },
  {
    title: 'update applies each relative change once though connections are cut',
    program: 'update_changes',
    skus: 20,
    input: { line_count: 3000, skus: 20, chunk_lines: 250, retries: 20 },
    cuts: CUTS,
    check: exactly(3000),
  },
  {
    title: 'update applies each relative change once though the server restarts',
    program: 'update_changes',
    skus: 20,
    input: { line_count: 3000, skus: 20, chunk_lines: 50, retries: 20 },
    meanwhile: restartInTheMiddle,
    check: exactly(3000),
  },
  {
    title: 'update continues where it was after the program was stopped',
    program: 'update_in_two_runs',
    skus: 20,
    input: { line_count: 2000, skus: 20, chunk_lines: 250, stop_after: 1100 },
    check: async (output, world) => {
      expect(output).toEqual({ first: 1100, second: 1000, cleared: true });
      expect(await world.stockTotal()).toBe(2000);
    },
  },
  {
    title: 'stream applies each relative change once though connections are cut',
    program: 'stream_changes',
    skus: 20,
    input: { line_count: 5000, skus: 20, chunk_lines: 250, retries: 20 },
    cuts: [150, 400_000, 500],
    check: exactly(5000),
  },
  {
    title: 'stream applies each relative change once though the server restarts',
    program: 'stream_changes',
    skus: 20,
    input: { line_count: 5000, skus: 20, chunk_lines: 50, retries: 20 },
    meanwhile: restartInTheMiddle,
    check: exactly(5000),
  },
  {
    title: 'follow yields every change in order though the server restarts and connections are cut',
    program: 'follow_changes',
    skus: 5,
    input: { count: 300 },
    cuts: [400, 30_000, 900],
    meanwhile: async (world) => {
      for (let round = 1; round <= 60; round += 1) {
        await world.setAll(5, round);
        if (round === 30) await world.server.restart();
      }
    },
    check: (output) => {
      expect(output).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    },
  },
  {
    title: 'follow by server-sent events yields every change in order though the server restarts',
    program: 'follow_events',
    skus: 5,
    input: { count: 300 },
    meanwhile: async (world) => {
      for (let round = 1; round <= 60; round += 1) {
        await world.setAll(5, round);
        if (round === 30) await world.server.restart();
      }
    },
    check: (output) => {
      expect(output).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    },
  },
  {
    title: 'consume gives changes again whose handler failed, and none that was stored',
    program: 'consume_changes',
    skus: 4,
    input: { count: 8 },
    meanwhile: (world) => world.setAll(4, 1),
    check: (output) => {
      expect(at(output, 'failed')).toBe(true);
      expect(at(output, 'sequences')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    },
  },
  {
    title: 'skus are listed through all pages, and found by a GTIN in another form',
    program: 'list_skus',
    skus: 1203,
    input: { upca: '12345678905' },
    check: (output) => {
      expect(output).toEqual({ count: 1203, first: 'S0', last: 'S1202', found: ['S0'] });
    },
  },
  {
    title: 'export gives all SKUs and a cursor after which changes are followed',
    program: 'export_skus',
    skus: 7,
    input: { sku_id: 'S3' },
    check: (output) => {
      expect(output).toEqual({ count: 7, changed: ['S3'] });
    },
  },
  {
    title: 'a file is uploaded, waited for, its results read, undone and listed',
    program: 'file',
    skus: 2,
    input: { filename: 'stock.csv', text: 'sku_id,quantity_in_stock\nS0,41\nMISSING,1\n' },
    check: async (output, world) => {
      expect(at(output, 'state')).toBe('done');
      expect(textAt(output, 'results')).toContain('S0,41,200,success');
      expect(textAt(output, 'results')).toContain('MISSING,1,404');
      expect(at(output, 'reverted')).toBe(1);
      expect(at(output, 'listed')).toBe('stock.csv');
      expect(await world.stockTotal()).toBe(0);
    },
  },
  {
    title: 'a file is previewed, checked by a dry run, and applied once',
    program: 'checked_file',
    skus: 2,
    input: { filename: 'stock.csv', text: 'sku_id,qty\nS0,5\nNONE,1\n' },
    check: async (output, world) => {
      expect(output).toMatchObject({
        preview: [{ row: 2, cells: ['S0', '5'], problem: null }],
        totals: { rows: 2, failed: 1, changed: 1 },
        changes: { quantity_in_stock: { to: 5 } },
        failed: 'sku_id,qty\nNONE,1\n',
        state: 'done',
        isSame: true,
      });
      expect(await world.stockTotal()).toBe(5);
    },
  },
  {
    title: 'the results of a file are read again from their start after the connection broke',
    program: 'file_results',
    skus: 1,
    input: { filename: 'stock.csv', text: 'sku_id,quantity_in_stock\nS0,41\n' },
    check: (output) => {
      expect(at(output, 'attempts')).toBe(2);
      expect(textAt(output, 'results')).toMatch(/^sku_id,.*\r?\nS0,41,200,success,?/);
    },
  },
  {
    title: 'a SKU is changed, another is retired, and the supplier is listed',
    program: 'catalogue',
    skus: 1,
    input: { upca: '012345678905' },
    check: (output, world) => {
      expect(output).toEqual({
        condition: 'refurb',
        left: ['S0'],
        suppliers: [world.supplierName],
      });
    },
  },
  {
    title: 'a call is retried for the time that it is given instead of a number of times',
    program: 'retry_for',
    skus: 1,
    input: {},
    cuts: [1],
    check: (output) => {
      expect(output).toEqual({ long: 1, short: 'ConnectionFailed' });
    },
  },
  {
    title: 'a batch is found by its reference, its failed lines are read, and it is undone',
    program: 'batch',
    skus: 2,
    input: { reference: 'délivery 7' },
    check: async (output, world) => {
      expect(output).toMatchObject({
        reference: 'délivery 7',
        failed: [{ index: 1, status_code: 404 }],
        reverted: 1,
      });
      expect(await world.stockTotal()).toBe(0);
    },
  },
  {
    title:
      'a problem is an error of its own class with status, code, detail, request ID and the first line',
    program: 'errors',
    skus: 1,
    input: {},
    check: (output) => {
      expect(output).toMatchObject({
        unauthenticated: { class: 'Unauthenticated', status: 401, code: 'unauthenticated' },
        refused: { class: 'ParameterInvalid', status: 400, code: 'parameter_invalid', line: 0 },
        missing: { class: 'SkuNotFound', status: 404, code: 'sku_not_found', is_retry_safe: true },
        line: { class: 'LineFailed', status: 404, code: 'line_failed' },
        unreachable: { class: 'ConnectionFailed', status: 0, code: 'connection_failed' },
      });
      expect(textAt(output, 'missing', 'request_id')).toMatch(/^[0-9a-f-]{36}$/);
    },
  },
  {
    title: 'a deadline ends a call with all its retries, and an abort ends it with its reason',
    program: 'deadline',
    skus: 1,
    input: {},
    check: (output) => {
      expect(output).toEqual({ deadline: 'TimedOut', abort: true });
    },
  },
  {
    title:
      'a deadline covers all requests of a call: of an update, a stream, a list and a follower',
    program: 'whole_deadline',
    skus: 501,
    input: { line_count: 50_000, skus: 1, chunk_lines: 1 },
    check: (output) => {
      expect(output).toEqual({
        update: 'TimedOut',
        stream: 'TimedOut',
        list: 'TimedOut',
        follow: 'nothing',
      });
    },
  },
  {
    title: 'an update or a stream that is left early closes the source of its lines',
    program: 'left_early',
    skus: 1,
    input: { line_count: 100, skus: 1, chunk_lines: 10 },
    check: (output) => {
      expect(output).toEqual(['update', 'stream']);
    },
  },
  {
    title: 'webhooks are created, changed, rotated and deleted; a signature is verified',
    program: 'webhooks',
    skus: 1,
    input: {},
    check: (output) => {
      expect(output).toEqual({
        listed: 1,
        paused: true,
        delivered: false,
        shown: { type: 'webhook.test', body: true },
        again: 'WebhookRefused',
        recovered: { suppliers: 0, changes: 0, dry_run: true },
        rotated: true,
        left: 0,
        verified: 'webhook.test',
        old_secret: 'webhook.test',
        tampered: 'SignatureInvalid',
        late: 'SignatureInvalid',
      });
    },
  },
  {
    title: 'headers of the program are sent too, and do not replace those of the client',
    program: 'headers',
    skus: 1,
    input: {},
    check: (output) => {
      expect(output).toEqual({ without_token: 1, with_token: 1 });
    },
  },
  {
    title: 'freshness tells when the supplier last reported',
    program: 'freshness',
    skus: 2,
    input: {},
    check: (output, world) => {
      expect(output).toEqual({ suppliers: [world.supplierName], skus: 2 });
    },
  },
  ...STRANGER_SCENARIOS,
];
