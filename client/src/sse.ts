/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** The last `id` that arrived, with this event or before. */
  readonly id: string | undefined;
  readonly data: string;
}

/**
 * Parses `text/event-stream` (HTML Living Standard §9.2.6). Comments, event names and `retry` are left out.
 *
 * @param onBytes called whenever something arrives, also comments that only keep the connection open
 */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<ServerSentEvent> {
  let id: string | undefined;
  let data: string[] = [];
  for await (const rows of rowsOf(body, onBytes)) {
    for (const row of rows) {
      if (row === '') {
        if (data.length > 0) yield { id, data: data.join('\n') };
        data = [];
        continue;
      }
      const colon = row.indexOf(':');
      const field = colon === -1 ? row : row.slice(0, colon);
      const value = colon === -1 ? '' : row.slice(colon + 1).replace(/^ /, '');
      if (field === 'data') data.push(value);
      if (field === 'id') id = value;
    }
  }
}

/**
 * The rows of a text, without their ends (LF or CRLF), those that arrive together as one list. A last row without an end
 * is left out: it may be cut off.
 */
export async function* rowsOf(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<readonly string[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  /** The beginning of the next row, in the parts that arrived. */
  let begun: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      const rows = decoder.decode(value, { stream: true }).split('\n');
      const last = rows.pop() ?? '';
      const [first] = rows;
      if (first !== undefined) {
        rows[0] = begun.join('') + first;
        begun = [];
        yield rows.map((row) => (row.endsWith('\r') ? row.slice(0, -1) : row));
      }
      begun.push(last);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
