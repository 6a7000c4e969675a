import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import fc from "fast-check";

import { HeadTailBuffer } from "./head_tail_buffer.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesIn = (text: string) => encode(text).length;

function filled(text: string, options?: ConstructorParameters<typeof HeadTailBuffer>[0]): HeadTailBuffer {
  const buffer = new HeadTailBuffer(options);
  buffer.write(encode(text));
  return buffer;
}

Deno.test("HeadTailBuffer is empty before the first write", () => {
  const buffer = new HeadTailBuffer();

  assertEquals(buffer.view(), { output: "" });
  assertEquals([buffer.length, buffer.totalBytes, buffer.bytes().length], [0, 0, 0]);
});

Deno.test("view() gives a small output as it is", () => {
  assertEquals(filled("hello\n").view(), { output: "hello\n" });
});

Deno.test("view() gives an output of exactly the head's size as it is", () => {
  const text = "x\n".repeat(8192);

  assertEquals(filled(text).view(), { output: text });
});

Deno.test("view() joins head and tail with a line feed when nothing is missing", () => {
  const buffer = filled("0123456789abcdefghij", { headBytes: 10, tailBytes: 10 });

  assertEquals(buffer.view(), {
    output: "0123456789\nabcdefghij",
    truncated: { original_bytes: 20, retained_bytes: 21, omitted_bytes: 0, strategy: "head_tail" },
  });
});

Deno.test("view() says between head and tail how many bytes are missing", () => {
  const text = "A".repeat(10) + "B".repeat(80) + "C".repeat(10);
  const buffer = filled(text, { headBytes: 10, tailBytes: 10 });

  const { output, truncated } = buffer.view();

  assertEquals(output, `${"A".repeat(10)}\n\n... [omitted 80 bytes] ...\n\n${"C".repeat(10)}`);
  assertEquals(truncated, {
    original_bytes: 100,
    retained_bytes: bytesIn(output),
    omitted_bytes: 80,
    strategy: "head_tail",
  });
  assertEquals([buffer.length, buffer.totalBytes], [20, 100]);
});

Deno.test("write() keeps memory bounded over megabytes", () => {
  const buffer = new HeadTailBuffer();
  const chunk = new Uint8Array(64 * 1024);

  for (let i = 0; i < 80; i++) buffer.write(chunk);

  assertEquals(buffer.length, 32 * 1024);
  assertEquals(buffer.totalBytes, 80 * 64 * 1024);
});

Deno.test("view() cuts a long line in the head, without counting that as truncation", () => {
  const { output, truncated } = filled("x".repeat(5000)).view();

  assertEquals(output, `${"x".repeat(2032)} ... [truncated]`);
  assertEquals(bytesIn(output), 2048);
  assertEquals(truncated, undefined);
});

Deno.test("view() cuts a long line in the tail", () => {
  const { output } = filled("h".repeat(10) + "t".repeat(5000), { headBytes: 10, tailBytes: 5000 }).view();

  assertEquals(output, `${"h".repeat(10)}\n${"t".repeat(2032)} ... [truncated]`);
});

Deno.test("view() cuts only the long one of many lines", () => {
  const { output } = filled(`short\n${"x".repeat(3000)}\nend\n`).view();

  assertEquals(output, `short\n${"x".repeat(2032)} ... [truncated]\nend\n`);
});

Deno.test("view() counts the notes about cut lines as retained bytes", () => {
  const { output, truncated } = filled("x".repeat(40_000)).view();

  assertEquals(truncated?.retained_bytes, bytesIn(output));
  assertEquals(truncated?.omitted_bytes, 40_000 - 32_768);
});

Deno.test("write() takes many small pieces as one large one", () => {
  const text = Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join("");
  const buffer = new HeadTailBuffer({ headBytes: 50, tailBytes: 70 });

  for (const byte of encode(text)) buffer.write(new Uint8Array([byte]));

  assertEquals(buffer.view(), filled(text, { headBytes: 50, tailBytes: 70 }).view());
});

Deno.test("write() of ten writers, each a thousand times, counts every byte", async () => {
  const buffer = new HeadTailBuffer();

  await Promise.all(Array.from({ length: 10 }, async () => {
    for (let i = 0; i < 1000; i++) {
      buffer.write(encode("x"));
      await Promise.resolve();
    }
  }));

  assertEquals(buffer.totalBytes, 10_000);
});

Deno.test("write() of nothing changes nothing", () => {
  const buffer = filled("abc");

  assertEquals(buffer.write(new Uint8Array(0)), 0);

  assertEquals(buffer.view(), { output: "abc" });
});

Deno.test("reset() forgets everything", () => {
  const buffer = filled("x".repeat(100), { headBytes: 10, tailBytes: 10 });

  buffer.reset();

  assertEquals([buffer.view().output, buffer.length, buffer.totalBytes], ["", 0, 0]);
  buffer.write(encode("new"));
  assertEquals(buffer.view(), { output: "new" });
});

Deno.test("bytes() returns a copy", () => {
  const buffer = filled("abc");

  buffer.bytes().fill(0);

  assertEquals(decode(buffer.bytes()), "abc");
});

Deno.test("bytes() gives the tail in order after the ring wrapped", () => {
  const buffer = filled("12345", { headBytes: 5, tailBytes: 10 });

  for (const piece of ["abcdefg", "hijklmn", "opqrstu"]) buffer.write(encode(piece));

  assertEquals(decode(buffer.bytes()), "12345" + "lmnopqrstu");
});

Deno.test("view() moves a character that the border would cut into the tail", () => {
  const { output, truncated } = filled("abc€def", { headBytes: 4, tailBytes: 10 }).view();

  assertEquals(output, "abc\n€def");
  assertEquals(truncated?.omitted_bytes, 0);
});

Deno.test("view() counts a character as missing of which only a part was kept", () => {
  // Head: "ab" and two bytes of "€". Tail: two bytes of "€" and "yz".
  const { output, truncated } = filled("ab€--€yz", { headBytes: 4, tailBytes: 4 }).view();

  assertEquals(output, "ab\n\n... [omitted 8 bytes] ...\n\nyz");
  assertEquals(truncated?.omitted_bytes, 8);
});

Deno.test("view() does not break a character at the end of a cut line", () => {
  const { output } = filled(`${"x".repeat(2031)}€${"y".repeat(100)}`).view();

  assertEquals(output, `${"x".repeat(2031)} ... [truncated]`);
});

Deno.test("view() never breaks a character, however the output is cut into pieces", () => {
  const text = fc.array(fc.constantFrom("a", "ü", "€", "😀", "\n", "\0", "<"), { maxLength: 200 });
  const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
  const sizes = fc.record({
    headBytes: fc.nat(40),
    tailBytes: fc.nat(40),
    maxLineBytes: fc.integer({ min: 16, max: 60 }),
  });

  fc.assert(fc.property(text, pieces, sizes, (characters, lengths, options) => {
    const bytes = encode(characters.join(""));
    const buffer = new HeadTailBuffer(options);
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = lengths[i % lengths.length]!;
      buffer.write(bytes.subarray(at, at + length));
      at += length;
    }

    const { output, truncated } = buffer.view();

    assert(!output.includes("\ufffd"));
    assertEquals(JSON.parse(JSON.stringify(output)), output);
    if (truncated) assertEquals(truncated.retained_bytes, bytesIn(output));
    if (truncated?.omitted_bytes) assertStringIncludes(output, `[omitted ${truncated.omitted_bytes} bytes]`);
  }));
});
