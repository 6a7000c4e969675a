import { assert, assertEquals, assertThrows } from "@std/assert";

import fc from "fast-check";

import { encodeFrame, FrameError, FrameReader, FrameTag, MAX_PAYLOAD_BYTES } from "./frame.ts";

/** Feeds `bytes` in pieces of at most `step` bytes and copies out what comes back. */
function readAll(bytes: Uint8Array, step: number, reader = new FrameReader()): { tag: number; payload: Uint8Array }[] {
  const frames: { tag: number; payload: Uint8Array }[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const space = reader.space();
    const count = Math.min(step, space.length, rest.length);
    space.set(rest.subarray(0, count));
    rest = rest.subarray(count);
    for (const { tag, payload } of reader.filled(count)) frames.push({ tag, payload: payload.slice() });
  }
  return frames;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("FrameReader gives back frames of both tags, whatever pieces they arrive in", () => {
  fc.assert(fc.property(
    fc.array(fc.record({ tag: fc.constantFrom(1, 2), payload: fc.uint8Array({ maxLength: 3000 }) }), { maxLength: 8 }),
    fc.integer({ min: 1, max: 5000 }),
    (frames, step) => {
      const bytes = concat(frames.map(({ tag, payload }) => encodeFrame(tag, payload)));

      assertEquals(readAll(bytes, step), frames);
    },
  ));
});

Deno.test("FrameReader reads one byte at a time, headers in pieces included", () => {
  const payload = new TextEncoder().encode("one byte at a time");

  const frames = readAll(concat([encodeFrame(1, payload), encodeFrame(2, new Uint8Array(0))]), 1);

  assertEquals(frames, [{ tag: 1, payload }, { tag: 2, payload: new Uint8Array(0) }]);
});

Deno.test("FrameReader takes a payload of 32768 bytes and refuses one of 32769 before it arrives", () => {
  const largest = new Uint8Array(MAX_PAYLOAD_BYTES).fill(7);

  const frames = readAll(encodeFrame(FrameTag.logs, largest), 1000);

  assertEquals(frames, [{ tag: 1, payload: largest }]);
  for (const tag of [1, 2]) {
    const error = assertThrows(
      () => readAll(Uint8Array.of(tag, 0, 0x80, 0x01), 4),
      FrameError,
      "message too large, it has 32769 bytes and the limit is 32768",
    );
    assertEquals(error.problem, "too_large");
  }
});

Deno.test("FrameReader refuses an unknown tag before it looks at the length", () => {
  for (const tag of [0, 3, 222]) {
    const error = assertThrows(
      () => readAll(Uint8Array.of(tag, 0xff, 0xff, 0xff), 4),
      FrameError,
      `unsupported tag ${tag}`,
    );
    assertEquals(error.problem, "unsupported_tag");
  }
});

Deno.test("FrameReader yields what came before a broken header", () => {
  const reader = new FrameReader();
  const bytes = concat([encodeFrame(1, Uint8Array.of(1)), Uint8Array.of(9, 0, 0, 0)]);
  reader.space().set(bytes);
  const frames = reader.filled(bytes.length);

  assertEquals(frames.next().value?.payload, Uint8Array.of(1));
  assertThrows(() => frames.next(), FrameError);
});

Deno.test("FrameReader sets no memory aside for a payload that was announced and does not come", () => {
  const reader = new FrameReader();
  const before = reader.bufferBytes;

  readAll(Uint8Array.of(1, 0, 0x80, 0), 4, reader);

  assertEquals([reader.bufferBytes, reader.pendingBytes], [before, 4]);
});

Deno.test("FrameReader grows for a long frame, to a limit", () => {
  const reader = new FrameReader();
  const frame = encodeFrame(2, new Uint8Array(MAX_PAYLOAD_BYTES));

  const frames = readAll(concat(Array.from({ length: 5 }, () => frame)), Infinity, reader);

  assertEquals(frames.length, 5);
  assert(reader.bufferBytes <= 64 * 1024, `${reader.bufferBytes}`);
});

Deno.test("encodeFrame() refuses what no reader takes", () => {
  assertEquals(assertThrows(() => encodeFrame(222, new Uint8Array(0)), FrameError).problem, "unsupported_tag");
  const tooLong = new Uint8Array(MAX_PAYLOAD_BYTES + 1);
  assertEquals(assertThrows(() => encodeFrame(1, tooLong), FrameError).problem, "too_large");
});
