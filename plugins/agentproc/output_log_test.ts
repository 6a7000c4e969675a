import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { OutputLog } from "./output_log.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("read() gives the bytes from an offset on", () => {
  const log = new OutputLog(100);
  log.write(encode("hello "));
  log.write(encode("world"));

  assertEquals(decode(log.read(4, 100).bytes), "o world");
  assertEquals(decode(log.read(4, 3).bytes), "o w");
  assertEquals(log.read(11, 100), { offset: 11, bytes: new Uint8Array(0) });
});

Deno.test("read() starts at the oldest byte that is left, and says so", () => {
  const log = new OutputLog(4);
  log.write(encode("abcdef"));

  const { offset, bytes } = log.read(0, 100);

  assertEquals([offset, decode(bytes)], [2, "cdef"]);
});

Deno.test("read() waits at an offset that is not written yet", () => {
  const log = new OutputLog(4);
  log.write(encode("abc"));

  assertEquals(log.read(5, 100), { offset: 5, bytes: new Uint8Array(0) });
  log.write(encode("defg"));
  assertEquals([log.read(5, 100).offset, decode(log.read(5, 100).bytes)], [5, "fg"]);
});

Deno.test("read() returns a copy", () => {
  const log = new OutputLog(8);
  log.write(encode("abc"));

  log.read(0, 3).bytes.fill(0);

  assertEquals(decode(log.read(0, 3).bytes), "abc");
});

Deno.test("heldBytes grows with the output, up to the limit", () => {
  const log = new OutputLog(10_000);
  assertEquals(log.heldBytes, 0);
  log.write(encode("x"));
  assertEquals(log.heldBytes, 1024);
  log.write(new Uint8Array(50_000));
  assertEquals(log.heldBytes, 10_000);
});

Deno.test("release() gives the memory back and goes on counting", () => {
  const log = new OutputLog(100);
  log.write(encode("gone"));
  log.release();
  log.write(encode("also gone"));

  assertEquals([log.heldBytes, log.start, log.end], [0, 13, 13]);
  assertEquals(log.read(0, 100), { offset: 13, bytes: new Uint8Array(0) });
});

Deno.test("a log of no bytes only counts", () => {
  const log = new OutputLog(0);
  log.write(encode("abc"));

  assertEquals(log.read(0, 10), { offset: 3, bytes: new Uint8Array(0) });
});

Deno.test("read() agrees with the whole stream, whatever was written and wherever one begins", () => {
  const writes = fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 12 });

  fc.assert(fc.property(writes, fc.integer({ min: 1, max: 20_000 }), fc.nat(30_000), (parts, limit, from) => {
    const log = new OutputLog(limit);
    const whole: number[] = [];
    for (const part of parts) {
      log.write(part);
      whole.push(...part);
    }

    const { offset, bytes } = log.read(from, 5000);

    assertEquals(log.end, whole.length);
    assertEquals(offset, from > whole.length ? from : Math.max(from, whole.length - limit, 0));
    assertEquals([...bytes], whole.slice(offset, offset + 5000));
  }));
});
