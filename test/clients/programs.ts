/** The programs of the scenarios with the TypeScript client. `programs.py` has the same with the Python client. */
import {
  ConnectionFailed,
  type LineOutcome,
  Onhand,
  OnhandError,
  type StateStore,
  type UpdateState,
} from '../../client/src/index.ts';
import type { ProgramInput } from './scenarios.ts';

type Program = (onhand: Onhand, input: ProgramInput) => Promise<unknown>;

function* additions({ line_count, skus }: ProgramInput) {
  for (let i = 0; i < line_count; i += 1) {
    yield { sku_id: `S${i % skus}`, quantity_in_stock_change: 1 };
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function counted(outcomes: AsyncIterable<LineOutcome>) {
  let [lines, applied, inOrder] = [0, 0, true];
  for await (const { index, isApplied } of outcomes) {
    inOrder &&= index === lines;
    lines += 1;
    if (isApplied) applied += 1;
  }
  return { lines, applied, inOrder };
}

class MemoryStore<T> implements StateStore<T> {
  value: T | undefined;
  load(): Promise<T | undefined> {
    return Promise.resolve(this.value);
  }
  save(value: T): Promise<void> {
    this.value = value;
    return Promise.resolve();
  }
  clear(): Promise<void> {
    this.value = undefined;
    return Promise.resolve();
  }
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'nothing';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function describedFailure(work: Promise<unknown>): Promise<unknown> {
  const error = await failureOf(work);
  if (!(error instanceof OnhandError)) return String(error);
  const { name, status, code, line, requestId, isRetrySafe, retryAfterMs } = error;
  return {
    class: name,
    status,
    code,
    line,
    request_id: requestId,
    is_retry_safe: isRetrySafe,
    retry_after: retryAfterMs === undefined ? undefined : retryAfterMs / 1000,
  };
}

async function followed(onhand: Onhand, { count }: ProgramInput, via: 'polling' | 'events') {
  const sequences: number[] = [];
  for await (const { record } of onhand.changes.follow({ from: 'start', via })) {
    // Records may come again after a cut.
    if (record.sequence > (sequences.at(-1) ?? 0)) sequences.push(record.sequence);
    if (sequences.length === count) break;
  }
  return sequences;
}

export const PROGRAMS: Readonly<Record<string, Program>> = {
  update_lines: async (onhand, { lines, chunk_lines, errors_only }) => {
    const options = { chunkLines: chunk_lines, errorsOnly: errors_only };
    return all(onhand.inventory.update(lines, options));
  },

  stream_lines: async (onhand, { lines, chunk_lines }) =>
    all(onhand.inventory.stream(lines, { chunkLines: chunk_lines })),

  long_group: async (onhand, { line_count, chunk_lines }) => {
    const options = { chunkLines: chunk_lines };
    const group = Array.from({ length: line_count }, () => ({
      sku_id: 'S1',
      quantity_in_stock_change: 1,
      group: 'kit',
    }));
    let answered = 0;
    const update = async (): Promise<void> => {
      const lines = [{ sku_id: 'S0', quantity_in_stock: 1 }, ...group];
      for await (const _ of onhand.inventory.update(lines, options)) answered += 1;
    };
    const message = messageOf(await failureOf(update()));
    const stream = all(onhand.inventory.stream([{ sku_id: 'S0' }, ...group], options));
    return { update: [answered, message], stream: messageOf(await failureOf(stream)) };
  },

  update_changes: async (onhand, input) =>
    counted(
      onhand.inventory.update(additions(input), {
        chunkLines: input.chunk_lines,
        retries: input.retries,
      }),
    ),

  stream_changes: async (onhand, input) =>
    counted(
      onhand.inventory.stream(additions(input), {
        chunkLines: input.chunk_lines,
        retries: input.retries,
      }),
    ),

  update_in_two_runs: async (onhand, input) => {
    const state = new MemoryStore<UpdateState>();
    const options = { chunkLines: input.chunk_lines, state };
    let [first, second] = [0, 0];
    for await (const _ of onhand.inventory.update(additions(input), options)) {
      first += 1;
      if (first === input.stop_after) break;
    }
    for await (const _ of onhand.inventory.update(additions(input), options)) second += 1;
    return { first, second, cleared: state.value === undefined };
  },

  update_from_older_state: async (onhand) => {
    const state = new MemoryStore<UpdateState>();
    state.value = { run: 'r', chunkLines: 1, lines: 1 };
    const lines = [{ sku_id: 'S0' }, { sku_id: 'S1' }];
    const outcomes = await all(onhand.inventory.update(lines, { state, retries: 0 }));
    return outcomes.map(({ index, status_code: status }) => [index, status]);
  },

  follow_changes: async (onhand, input) => followed(onhand, input, 'polling'),
  follow_events: async (onhand, input) => followed(onhand, input, 'events'),

  consume_changes: async (onhand, { count }) => {
    const store = new MemoryStore<string>();
    const sequences: number[] = [];
    const stop = new AbortController();
    const options = { from: 'start', signal: stop.signal } as const;
    let failed = false;
    const handler = (records: readonly { readonly sequence: number }[]): void => {
      if (!failed) {
        failed = true;
        throw new Error('the handler failed');
      }
      sequences.push(...records.map(({ sequence }) => sequence));
      if (sequences.length >= count) stop.abort();
    };
    await failureOf(onhand.changes.consume(handler, store, options));
    await onhand.changes.consume(handler, store, options);
    return { failed, sequences };
  },

  list_skus: async (onhand, { upca }) => {
    const skus = await all(onhand.skus.list());
    const found = await onhand.skus.find({ upca });
    return {
      count: skus.length,
      first: skus[0]?.sku_id,
      last: skus.at(-1)?.sku_id,
      found: found.map(({ sku_id }) => sku_id),
    };
  },

  export_skus: async (onhand, { sku_id }) => {
    const { changesCursor, skus } = await onhand.skus.export();
    const count = (await all(skus)).length;
    await onhand.inventory.set({ sku_id, quantity_in_stock: 5 });
    const { records } = await onhand.changes.read({ after: changesCursor });
    const changed = records.flatMap((record) =>
      record.kind === 'change' ? [record.sku.sku_id] : [],
    );
    return { count, changed };
  },

  file: async (onhand, { filename, text }) => {
    const uuid = await onhand.files.upload(text, { filename });
    const { state } = await onhand.files.wait(uuid);
    const results = await new Response(await onhand.files.results(uuid)).text();
    const { reverted } = await onhand.files.undo(uuid);
    const [latest] = await all(onhand.files.list());
    return { state, results, reverted, listed: latest?.filename };
  },

  checked_file: async ({ files }, { filename, text }) => {
    const uuid = await files.upload(text, { filename, terms: { dry_run: true } });
    await files.wait(uuid);
    const preview = (await files.preview(uuid, { rows: 1 })).rows;
    const { totals, rows } = await files.effects(uuid, { only: 'changed' });
    const failed = await new Response(await files.failedRows(uuid)).text();
    const applied = await files.apply(uuid);
    const { state } = await files.wait(applied);
    const isSame = (await files.apply(uuid)) === applied;
    return { preview, totals, changes: rows[0]?.changes, failed, state, isSame };
  },

  file_results: async (onhand, { filename, text }) => {
    const uuid = await onhand.files.upload(text, { filename });
    await onhand.files.wait(uuid);
    let attempts = 0;
    const results = await onhand.files.readResults(uuid, async (content) => {
      attempts += 1;
      const read = await new Response(content).text();
      if (attempts > 1) return read;
      throw new ConnectionFailed({ status: 0, code: 'cut', detail: 'cut', isRetrySafe: true });
    });
    return { attempts, results };
  },

  catalogue: async (onhand, { upca }) => {
    const [sku] = await onhand.skus.find({ upca });
    const { condition } = await onhand.skus.update(sku?.uuid ?? '', { condition: 'refurb' });
    const { uuid } = await onhand.skus.create({ sku_id: 'SHORT-LIVED' });
    await onhand.skus.retire(uuid, { reason: 'a mistake' });
    const left: string[] = [];
    for await (const { sku_id: skuId } of onhand.skus.list()) left.push(skuId);
    const { suppliers } = await onhand.suppliers();
    return { condition, left, suppliers: suppliers.map(({ name }) => name) };
  },

  retry_for: async (onhand, { token }) => {
    const { suppliers } = await onhand.freshness({}, { retries: 0, retryForMs: 60_000 });
    const unreachable = new Onhand({ url: 'http://127.0.0.1:1', token, retryForMs: 100 });
    return { long: suppliers.length, short: nameOf(await failureOf(unreachable.freshness())) };
  },

  redirected: async (onhand) => {
    const lines = [{ sku_id: 'S0', quantity_in_stock: 1 }];
    return {
      read: await describedFailure(onhand.freshness()),
      update: await describedFailure(all(onhand.inventory.update(lines))),
      stream: await describedFailure(all(onhand.inventory.stream(lines))),
    };
  },

  strange_answers: async (onhand, { count }) => {
    const failures: unknown[] = [];
    for (let i = 0; i < count; i += 1) {
      const outcomes = onhand.inventory.update([{ sku_id: 'S0' }], { retries: 0 });
      failures.push(await describedFailure(all(outcomes)));
    }
    return failures;
  },

  silent_results: async (onhand) => {
    const results = (retries: number) =>
      onhand.files.readResults('any', (content) => new Response(content).text(), {
        retries,
        timeoutMs: 50,
      });
    return { once: nameOf(await failureOf(results(0))), results: await results(1) };
  },

  batch: async (onhand, { reference }) => {
    const lines = [
      { sku_id: 'S0', quantity_in_stock: 5 },
      { sku_id: 'MISSING', quantity_in_stock: 1 },
    ];
    await all(onhand.inventory.update(lines, { reference }));
    const [batch] = await all(onhand.batches.list());
    if (batch === undefined) throw new Error('no batch');
    const failed = await onhand.batches.results(batch.uuid);
    const { reverted } = await onhand.batches.undo(batch.uuid);
    return { reference: batch.reference, failed, reverted };
  },

  errors: async (onhand, { url, token }) => {
    const stranger = new Onhand({ url, token: '0'.repeat(40) });
    const unreachable = new Onhand({ url: 'http://127.0.0.1:1', token, retries: 0 });
    const uuid = '01a209ec-1e9b-76e2-b7b2-66f2c9ae943e';
    const line = { sku_id: 'MISSING', quantity_in_stock: 1 };
    return {
      unauthenticated: await describedFailure(stranger.batches.page()),
      refused: await describedFailure(all(onhand.inventory.update([line], { asOf: 'yesterday' }))),
      missing: await describedFailure(onhand.skus.get(uuid)),
      line: await describedFailure(onhand.inventory.set(line)),
      unreachable: await describedFailure(unreachable.batches.page()),
    };
  },

  deadline: async (onhand, { token }) => {
    const unreachable = new Onhand({ url: 'http://127.0.0.1:1', token, retries: 1000 });
    const late = await failureOf(unreachable.batches.page({}, { deadlineMs: 50 }));
    const stop = new AbortController();
    const reason = new Error('enough');
    const waiting = failureOf(
      onhand.changes.read({ from: 'now', wait: 60 }, { signal: stop.signal }),
    );
    stop.abort(reason);
    return {
      deadline: nameOf(late),
      abort: (await waiting) === reason,
    };
  },

  whole_deadline: async (onhand, input) => {
    const options = { deadlineMs: 200, chunkLines: input.chunk_lines };
    const { url, token } = input;
    const impatient = new Onhand({ url, token, deadlineMs: 200 });
    const list = async (): Promise<void> => {
      const skus = onhand.skus.list({}, options);
      await skus.next();
      // Ends after the deadline of the list, which has a second page.
      await all(impatient.changes.follow());
      await all(skus);
    };
    const works = {
      update: () => all(onhand.inventory.update(additions(input), options)),
      stream: () => all(onhand.inventory.stream(additions(input), options)),
      list,
      follow: () => all(impatient.changes.follow()),
    };
    const names: Record<string, string> = {};
    for (const [name, work] of Object.entries(works)) {
      names[name] = nameOf(await failureOf(work()));
    }
    return names;
  },

  left_early: async (onhand, input) => {
    const options = { chunkLines: input.chunk_lines };
    const closed: string[] = [];
    for (const name of ['update', 'stream'] as const) {
      const isClosed = Promise.withResolvers<void>();
      const source = function* () {
        try {
          yield* additions(input);
        } finally {
          closed.push(name);
          isClosed.resolve();
        }
      };
      for await (const _ of onhand.inventory[name](source(), options)) break;
      await isClosed.promise;
    }
    return closed;
  },

  webhooks: async (onhand) => {
    const { uuid, secret = '' } = await onhand.webhooks.create({ url: 'http://127.0.0.1:9/hook' });
    const listed = (await onhand.webhooks.list()).length;
    const paused = (await onhand.webhooks.change(uuid, { is_paused: true })).is_paused;
    await onhand.webhooks.test(uuid);
    const [delivery] = await onhand.webhooks.deliveries(uuid);
    const messageId = delivery?.message_id ?? '';
    const { type, attempts } = await onhand.webhooks.delivery(uuid, messageId);
    const again = nameOf(await failureOf(onhand.webhooks.sendAgain(uuid, messageId)));
    const { suppliers, changes, dry_run } = await onhand.webhooks.recover(uuid, new Date(), {
      isDryRun: true,
    });
    const { secret: newer = '' } = await onhand.webhooks.rotateSecret(uuid);
    await onhand.webhooks.delete(uuid);
    const left = (await onhand.webhooks.list()).length;
    const body = JSON.stringify({ type: 'webhook.test', data: {} });
    const verified = (headers: Record<string, string>, text: string, secrets: readonly string[]) =>
      onhand.webhooks.verify(text, headers, secrets).then(typeOf, nameOf);
    const signed = await signedHeaders(body, newer, Date.now());
    const old = await signedHeaders(body, secret, Date.now());
    const late = await signedHeaders(body, newer, Date.now() - 3_600_000);
    return {
      listed,
      paused,
      delivered: delivery?.is_delivered,
      shown: { type, body: attempts[0]?.request?.body.includes('webhook.test') },
      again,
      recovered: { suppliers, changes, dry_run },
      rotated: newer !== secret && newer.startsWith('whsec_'),
      left,
      verified: await verified(signed, body, [newer]),
      old_secret: await verified(old, body, [newer, secret]),
      tampered: await verified(signed, `${body} `, [newer]),
      late: await verified(late, body, [newer]),
    };
  },

  headers: async (_, { url, token }) => {
    const authorized = new Onhand({ url, headers: { Authorization: `Token ${token}` } });
    const confused = new Onhand({ url, token, headers: { Authorization: 'Token unknown' } });
    return {
      without_token: (await authorized.freshness()).suppliers.length,
      with_token: (await confused.freshness()).suppliers.length,
    };
  },

  freshness: async (onhand) => {
    const { suppliers } = await onhand.freshness();
    return {
      suppliers: suppliers.map(({ supplier }) => supplier.name),
      skus: suppliers[0]?.skus_by_age.reduce((sum, { count }) => sum + count, 0),
    };
  },
};

/** What a sender of Standard Webhooks puts into the headers. */
export async function signedHeaders(
  body: string,
  secret: string,
  timeMs: number,
  id = 'msg_1',
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(timeMs / 1000));
  const key = await crypto.subtle.importKey(
    'raw',
    Buffer.from(secret.slice('whsec_'.length), 'base64'),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const signed = await crypto.subtle.sign('HMAC', key, Buffer.from(`${id}.${timestamp}.${body}`));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${Buffer.from(signed).toString('base64')}`,
  };
}

function typeOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'type' in message
    ? message.type
    : message;
}
