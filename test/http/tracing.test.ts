import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entry } from '../store/fixtures.ts';
import { Receiver, type Received } from '../webhooks/receiver.ts';
import { FileClient } from './files/file-client.ts';
import { BULK, SINGLE, TestServer } from './harness.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE}-${CALLER}-01`;
const OTHER_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

let server: TestServer;
let receiver: Receiver;
let token: string;

beforeAll(async () => {
  receiver = await Receiver.http((response) => response.writeHead(204).end());
  server = await TestServer.start({
    logLevel: 'info',
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
  });
  ({ token } = await server.createSupplier('Acme', [entry('a'), entry('b')]));
  const body = { url: `http://127.0.0.1:${receiver.port}/hook` };
  await server.ask('POST', '/timp/notifications/webhooks/', { token, body });
});
afterAll(async () => {
  await server.stop();
  await receiver.close();
});

let quantity = 0;
/** Changes the SKU `a`. */
async function update(headers: Readonly<Record<string, string>>): Promise<string> {
  quantity += 1;
  const body = { sku_id: 'a', quantity_in_stock: quantity };
  const answer = await server.ask('POST', SINGLE, { token, headers, body });
  expect(answer.status).toBe(200);
  return answer.headers.get('request-id') ?? '';
}

/** The headers of the webhook message with the latest quantity, which is the last change in it. */
async function delivered(): Promise<Readonly<Record<string, string>>> {
  await expect.poll(findDelivered).toBeDefined();
  return findDelivered()?.headers ?? {};
}

function findDelivered(): Received | undefined {
  return receiver.received.find(({ body }) => body.includes(`"quantity_in_stock":${quantity},`));
}

async function logged(fields: object): Promise<unknown> {
  const matches = () => server.log.filter((one) => isWith(one, fields));
  await expect.poll(matches).not.toEqual([]);
  return matches()[0];
}

function isWith(one: unknown, fields: object): boolean {
  const members = new Map<string, unknown>(
    typeof one === 'object' && one !== null ? Object.entries(one) : [],
  );
  return Object.entries(fields).every(([name, value]) => members.get(name) === value);
}

function named(spans: readonly ReadableSpan[], name: string): ReadableSpan | undefined {
  return spans.find((span) => span.name === name);
}

describe('without an SDK', () => {
  test("the client's trace is in the log, and goes on to the webhook without its state", async () => {
    const requestId = await update({ traceparent: TRACEPARENT, tracestate: 'vendor=secret' });
    expect(await logged({ request_id: requestId })).toMatchObject({
      trace_id: TRACE,
      span_id: CALLER,
    });
    const headers = await delivered();
    expect(headers['traceparent']).toBe(TRACEPARENT);
    expect(headers).not.toHaveProperty('tracestate');
  });

  test('a malformed trace context is ignored', async () => {
    const requestId = await update({ traceparent: `00-xyz-${CALLER}-01` });
    expect(await logged({ request_id: requestId })).not.toHaveProperty('trace_id');
    expect(await delivered()).not.toHaveProperty('traceparent');
  });
});

describe('with an SDK', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  beforeAll(() => {
    trace.setGlobalTracerProvider(provider);
  });
  afterAll(async () => {
    trace.disable();
    await provider.shutdown();
  });

  const spansOf = (traceId: string): readonly ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);

  test('a request, its wait, its commit and the delivery to a webhook are spans of the trace of the client', async () => {
    await update({ traceparent: TRACEPARENT, tracestate: 'vendor=value' });
    await expect
      .poll(() =>
        spansOf(TRACE)
          .map(({ name }) => name)
          .toSorted(),
      )
      .toEqual([`POST ${SINGLE}`, 'commit', 'queue wait', 'webhook delivery'].toSorted());
    const spans = spansOf(TRACE);
    const request = named(spans, `POST ${SINGLE}`);
    expect(request?.parentSpanContext?.spanId).toBe(CALLER);
    expect(request?.spanContext().traceState?.serialize()).toBe('vendor=value');
    expect(request?.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': SINGLE,
      'http.response.status_code': 200,
      'url.path': SINGLE,
      'onhand.organization': 'Acme',
    });
    const own = request?.spanContext().spanId;
    for (const name of ['queue wait', 'commit', 'webhook delivery'])
      expect(named(spans, name)?.parentSpanContext?.spanId, name).toBe(own);
    const delivery = named(spans, 'webhook delivery');
    expect(delivery?.attributes).toMatchObject({ 'http.response.status_code': 204 });
    expect(JSON.stringify(delivery?.attributes)).not.toContain('/hook');
    const headers = await delivered();
    expect(headers['traceparent']).toBe(`00-${TRACE}-${delivery?.spanContext().spanId}-01`);
    expect(headers).not.toHaveProperty('tracestate');
  });

  test('a message with changes of several traces has a trace of its own, linked to them', async () => {
    exporter.reset();
    const [first = '', second = ''] = ['1', '2'].map((end) => OTHER_TRACE.slice(1) + end);
    const webhooks = await server.ask('GET', '/timp/notifications/webhooks/', { token });
    const uuid = /"uuid": ?"([^"]+)"/.exec(webhooks.text)?.[1] ?? '';
    const path = `/timp/notifications/webhooks/${uuid}/`;
    await server.ask('POST', `${path}pause/`, { token });
    await update({ traceparent: `00-${first}-${CALLER}-01` });
    await update({ traceparent: `00-${second}-${CALLER}-01` });
    await server.ask('POST', `${path}resume/`, { token });
    await delivered();
    await expect
      .poll(() => named(exporter.getFinishedSpans(), 'webhook delivery')?.links)
      .toMatchObject([{ context: { traceId: first } }, { context: { traceId: second } }]);
    const delivery = named(exporter.getFinishedSpans(), 'webhook delivery');
    expect(delivery?.parentSpanContext).toBeUndefined();
  });

  test('a file job and its batches are spans of the trace of the upload', async () => {
    exporter.reset();
    const files = new FileClient(server, token);
    const uuid = await files.upload('sku_id,quantity_in_stock\nb,7\n', '', {
      traceparent: `00-${OTHER_TRACE}-${CALLER}-01`,
    });
    await files.processed(uuid);
    await expect.poll(() => named(spansOf(OTHER_TRACE), 'file job')).toBeDefined();
    const job = named(spansOf(OTHER_TRACE), 'file job');
    expect(job?.attributes).toMatchObject({ 'onhand.file': uuid, 'onhand.file_state': 'done' });
    const commit = named(spansOf(OTHER_TRACE), 'commit');
    expect(commit?.parentSpanContext?.spanId).toBe(job?.spanContext().spanId);
    expect(await logged({ msg: 'file done' })).toMatchObject({ trace_id: OTHER_TRACE });
  });

  test('a request that fails is a span with its error, and one to no path has no route in its name', async () => {
    exporter.reset();
    await server.ask('POST', BULK, { body: [] });
    await server.ask('GET', '/nowhere/secret');
    await expect
      .poll(() => exporter.getFinishedSpans().map(({ name }) => name))
      .toEqual([`POST ${BULK}`, 'GET']);
    const [refused] = exporter.getFinishedSpans();
    expect(refused?.attributes).toMatchObject({
      'http.response.status_code': 401,
      'onhand.error': 'unauthenticated',
    });
    expect(refused?.status.code).toBe(0);
  });
});
