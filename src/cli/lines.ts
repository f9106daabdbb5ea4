/** Lines of a stream, without holding more than one chunk and one line. */
import type { Readable } from "node:stream";

/** Lines without their ends (LF or CRLF); what stands after the last end is a line if it is not empty. UTF-8. */
export async function* linesOf(input: Readable | AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    rest += typeof chunk === "string" ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
    let start = 0;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
      yield rest.slice(start, rest[end - 1] === "\r" ? end - 1 : end);
      start = end + 1;
    }
    rest = rest.slice(start);
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

/** The entries of `source` until `signal` is aborted, even while the next one is being waited for. */
export async function* untilAborted<T>(source: Iterable<T> | AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const entries = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const aborted = new Promise<null>(resolve => {
    if (signal.aborted) resolve(null);
    signal.addEventListener("abort", () => resolve(null), { once: true });
  });
  for (;;) {
    const next = await Promise.race([aborted, entries.next()]);
    if (next === null || next.done) return;
    yield next.value;
  }
}
