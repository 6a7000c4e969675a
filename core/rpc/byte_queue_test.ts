import { assert, assertEquals } from "@std/assert";

import fc from "fast-check";

import { ByteQueue } from "./byte_queue.ts";

function drain(queue: ByteQueue): number[] {
  const bytes: number[] = [];
  for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) bytes.push(...piece);
  return bytes;
}

Deno.test("ByteQueue gives back the same bytes in order, however pushes and shifts are mixed", () => {
  const anyStep = fc.oneof(fc.uint8Array({ maxLength: 5_000, size: "max" }), fc.constant("shift" as const));
  fc.assert(fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
    const queue = new ByteQueue();
    const pushed: number[] = [];
    const read: number[] = [];
    for (const step of steps) {
      if (step === "shift") read.push(...queue.shift() ?? []);
      else {
        queue.push(step);
        pushed.push(...step);
      }
      assertEquals(queue.length, pushed.length - read.length);
    }
    assertEquals([...read, ...drain(queue)], pushed);
  }));
});

Deno.test("ByteQueue joins small pieces, so that single bytes do not cost an object each", () => {
  const queue = new ByteQueue();

  for (let index = 0; index < 100_000; index++) queue.push(Uint8Array.of(index));

  let pieces = 0;
  while (queue.shift() !== undefined) pieces += 1;
  assert(pieces < 20, `100000 bytes are kept in ${pieces} pieces`);
});

Deno.test("ByteQueue keeps no large buffer alive for a small part of it", () => {
  const queue = new ByteQueue();
  const large = new Uint8Array(1024 * 1024);

  queue.push(large.subarray(0, 10));
  queue.push(large.subarray(0, 10_000));

  assert(queue.shift()!.buffer.byteLength < 100);
  assertEquals(queue.shift()!.buffer.byteLength, 10_000);
});

Deno.test("ByteQueue can be used on and on without growing", () => {
  const queue = new ByteQueue();
  queue.push(new Uint8Array(4_000));
  for (let round = 0; round < 10_000; round++) {
    queue.push(new Uint8Array(4_000));
    assertEquals(queue.shift()!.length, 4_000);
  }

  assertEquals(queue.length, 4_000);
  queue.clear();
  assertEquals([queue.length, queue.shift()], [0, undefined]);
});
