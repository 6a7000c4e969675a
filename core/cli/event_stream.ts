/**
 * Reads server-sent events.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";

/** One event. */
export interface ReceivedEvent {
  /** `"message"` when the server did not name it. */
  readonly event: string;
  readonly data: string;
}

/** Yields the events of a response body; comments and events without data are left out. Cancels the body when left early. */
export async function* readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ReceivedEvent> {
  let event = "message";
  let data: string[] = [];
  for await (const line of body.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    if (line === "") {
      if (data.length > 0) yield { event, data: data.join("\n") };
      event = "message";
      data = [];
      continue;
    }
    const [, name, value = ""] = /^([^:]*)(?:: ?([\s\S]*))?$/.exec(line)!;
    if (name === "event") event = value;
    if (name === "data") data.push(value);
  }
}
