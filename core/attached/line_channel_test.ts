import { assertEquals, assertRejects } from "@std/assert";

import { LineChannel, type LineConnection } from "./line_channel.ts";
import { MAX_LINE_BYTES, ProtocolError, type WireMessage } from "./protocol.ts";

/** A connection that brings `pieces`, one for each read, and takes a few bytes at a time. */
function connectionOf(pieces: readonly (string | Uint8Array)[]) {
  const waiting = pieces.map((piece) => typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
  const written: number[] = [];
  const connection: LineConnection = {
    read(buffer) {
      const piece = waiting.shift();
      if (piece === undefined) return Promise.resolve(null);
      const taken = piece.subarray(0, buffer.length);
      buffer.set(taken);
      if (taken.length < piece.length) waiting.unshift(piece.subarray(taken.length));
      return Promise.resolve(taken.length);
    },
    write(bytes) {
      const taken = bytes.subarray(0, 7);
      written.push(...taken);
      return Promise.resolve(taken.length);
    },
    close() {},
  };
  return { connection, written: () => new TextDecoder().decode(new Uint8Array(written)) };
}

async function messagesOf(...pieces: (string | Uint8Array)[]): Promise<WireMessage[]> {
  return await Array.fromAsync(new LineChannel(connectionOf(pieces).connection).messages());
}

Deno.test("LineChannel.messages() finds lines however the bytes are cut, and skips empty ones", async () => {
  const text = new TextEncoder().encode('{"type":"a","x":"ü"}\n\n{"type":"b"}\n{"type":"c"}\n');
  const expected = [{ type: "a", x: "ü" }, { type: "b" }, { type: "c" }];

  for (let cut = 1; cut < text.length; cut++) {
    assertEquals(await messagesOf(text.slice(0, cut), text.slice(cut)), expected, `cut at ${cut}`);
  }
});

Deno.test("LineChannel.messages() leaves out a line that was not finished", async () => {
  assertEquals(await messagesOf('{"type":"a"}\n{"type":'), [{ type: "a" }]);
});

Deno.test("LineChannel.messages() takes the longest line and refuses the first byte more", async () => {
  const line = (length: number) => `{"type":"${"x".repeat(length - '{"type":""}'.length)}"}\n`;

  assertEquals((await messagesOf(line(MAX_LINE_BYTES))).length, 1);
  await assertRejects(() => messagesOf(line(MAX_LINE_BYTES + 1)), ProtocolError, "more than 1048576 bytes");
  await assertRejects(() => messagesOf("x".repeat(MAX_LINE_BYTES + 1)), ProtocolError, "more than 1048576 bytes");
});

Deno.test("LineChannel.messages() says what is wrong with a line", async () => {
  await assertRejects(() => messagesOf("hello\n"), ProtocolError, "no JSON");
  await assertRejects(() => messagesOf(new Uint8Array([0xff, 10])), ProtocolError, "no JSON");
  for (const line of ["1", "null", "[]", "{}", '{"type":1}']) {
    await assertRejects(() => messagesOf(`${line}\n`), ProtocolError, 'no object with a "type"');
  }
});

Deno.test("LineChannel.send() writes whole lines in order, also to a connection that takes a few bytes at a time", async () => {
  const { connection, written } = connectionOf([]);
  const channel = new LineChannel(connection);

  await Promise.all([channel.send({ type: "one", text: "a\nb" }), channel.send({ type: "two" })]);

  assertEquals(written(), '{"type":"one","text":"a\\nb"}\n{"type":"two"}\n');
});

Deno.test("LineChannel.send() gives up a peer that does not read, instead of keeping what it does not take", async () => {
  let closed = 0;
  const stuck: LineConnection = {
    read: () => Promise.resolve(null),
    write: () => new Promise(() => {}),
    close: () => closed++,
  };
  const channel = new LineChannel(stuck);

  for (let i = 0; i < 5; i++) void channel.send({ type: "big", text: "x".repeat(1_000_000) });
  await channel.send({ type: "after" });

  assertEquals(closed, 1);
});

Deno.test("LineChannel.send() closes instead of sending a line that nobody takes", async () => {
  const { connection, written } = connectionOf([]);

  await new LineChannel(connection).send({ type: "long", text: "x".repeat(MAX_LINE_BYTES) });

  assertEquals(written(), "");
});
