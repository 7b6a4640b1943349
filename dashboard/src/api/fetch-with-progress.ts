/** A `fetch` that tells how much of the body was sent, from 0 to 1: browsers tell that to `XMLHttpRequest` only. */
export function fetchWithProgress(onProgress: (share: number) => void): typeof fetch {
  return async (input, init) =>
    new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      const { signal, method = 'GET', body, headers } = init ?? {};
      xhr.open(method, input instanceof Request ? input.url : input);
      for (const [name, value] of new Headers(headers)) xhr.setRequestHeader(name, value);
      xhr.upload.addEventListener('progress', ({ loaded, total, lengthComputable }) => {
        if (lengthComputable && total > 0) onProgress(loaded / total);
      });
      xhr.addEventListener('load', () => {
        const { status, responseText } = xhr;
        resolve(new Response(responseText, { status, headers: headersOf(xhr) }));
      });
      xhr.addEventListener('error', () => reject(new TypeError('The request failed.')));
      xhr.addEventListener('abort', () => reject(abortReasonOf(signal)));
      signal?.addEventListener('abort', () => xhr.abort(), { once: true });
      if (signal?.aborted === true) reject(abortReasonOf(signal));
      else xhr.send(body instanceof ReadableStream ? null : body);
    });
}

function headersOf(xhr: XMLHttpRequest): Headers {
  const headers = new Headers();
  for (const line of xhr.getAllResponseHeaders().trim().split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}

function abortReasonOf(signal: AbortSignal | null | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('Aborted', 'AbortError');
}
