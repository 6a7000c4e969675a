/**
 * Changes as server-sent events.
 *
 * @module
 */
import { encodeJson } from "../../core/http/json.ts";
import type { Changes } from "./changes.ts";

/** Time between two comments in a stream, in milliseconds: proxies cut what is silent for a minute. */
const KEEP_ALIVE_MS = 20_000;

/** Each event says which part of which object has changed. `field` is what ids are called in it, such as `agent`. */
export function changeEvents(changes: Changes, field: string, signal: AbortSignal): Response {
  const left = new AbortController();
  const watching = changes.watch(AbortSignal.any([signal, left.signal]));
  const encoder = new TextEncoder();
  let ticking: ReturnType<typeof setInterval>;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(encoder.encode(": connected\n\n"));
      ticking = setInterval(() => controller.enqueue(encoder.encode(": still here\n\n")), KEEP_ALIVE_MS);
    },
    async pull(controller) {
      const { done, value } = await watching.next();
      if (done) {
        clearInterval(ticking);
        return controller.close();
      }
      const text = value.map(({ agentId, kind }) => `data: ${encodeJson({ [field]: agentId, kind }).trim()}\n\n`);
      controller.enqueue(encoder.encode(text.join("")));
    },
    cancel() {
      clearInterval(ticking);
      left.abort();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}
