import { assertEquals } from "@std/assert";

import { readEvents } from "./event_stream.ts";

async function read(...chunks: Uint8Array<ArrayBuffer>[]): Promise<string[]> {
  const found: string[] = [];
  for await (const { event, data } of readEvents(ReadableStream.from(chunks))) found.push(`${event}: ${data}`);
  return found;
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("readEvents() yields events with name and data", async () => {
  const text = 'event: output\nid: 1.0\ndata: {"a":1}\n\ndata: plain\n\n';

  assertEquals(await read(bytes(text)), ['output: {"a":1}', "message: plain"]);
});

Deno.test("readEvents() joins data lines, and leaves out comments, empty events and an unfinished last one", async () => {
  const text = ": keep-alive\n\ndata: a\ndata:b\n\nevent: empty\n\ndata: cut";

  assertEquals(await read(bytes(text)), ["message: a\nb"]);
});

Deno.test("readEvents() takes any split, also inside a character and between CR and LF", async () => {
  const whole = bytes("event: output\r\ndata: grün\r\n\r\n");

  for (let at = 0; at <= whole.length; at++) {
    assertEquals(await read(whole.slice(0, at), whole.slice(at)), ["output: grün"]);
  }
});
