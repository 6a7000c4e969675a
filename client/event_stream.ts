/**
 * Reads server-sent events.
 *
 * @module
 */

/** One event. */
export interface ReceivedEvent {
  /** `"message"` when the server did not name it. */
  readonly event: string;
  readonly data: string;
  /** Of the last event that had one; empty before. */
  readonly id: string;
}

/**
 * Yields the events of a response body; comments and events without data are left out. Cancels the body when left early.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  let event = "message";
  let data: string[] = [];
  let id = "";
  for await (const line of linesOf(body)) {
    if (line === "") {
      if (data.length > 0) yield { event, data: data.join("\n"), id };
      event = "message";
      data = [];
      continue;
    }
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event = value;
    if (name === "data") data.push(value);
    if (name === "id") id = value;
  }
}

/** Lines that are complete; a rest without a line end is no line. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  // The pieces of a line that has no end yet are joined once, so that a long line costs no more than its length.
  let pieces: string[] = [];
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = decoder.decode(value, { stream: true }).split("\n");
      for (const part of parts.slice(0, -1)) {
        yield [...pieces, part].join("").replace(/\r$/, "");
        pieces = [];
      }
      pieces.push(parts.at(-1)!);
    }
  } finally {
    // Browsers cannot iterate streams everywhere; the reader alone works on all platforms.
    await reader.cancel().catch(() => {}); // The body failed already, which the reader was told.
  }
}
