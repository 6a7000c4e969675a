import { assertEquals, assertThrows } from "@std/assert";

import { ELF_HEADER_BYTES, elfEnd } from "./elf.ts";

function header(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ELF_HEADER_BYTES);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0x28, 85_184_064n, true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, 36, true);
  return bytes;
}

Deno.test("elfEnd() is the end of the section header table", () => {
  assertEquals(elfEnd(header()), 85_186_368);
});

Deno.test("elfEnd() is at most the size of a real executable", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  using file = await Deno.open(Deno.execPath());
  const bytes = new Uint8Array(ELF_HEADER_BYTES);
  await file.read(bytes);

  const end = elfEnd(bytes);

  assertEquals(end > 0 && end <= (await file.stat()).size, true);
});

Deno.test("elfEnd() refuses other formats and short input", () => {
  const big = header();
  big[5] = 2;

  for (const bytes of [big, header().slice(0, 40), new TextEncoder().encode("#!/bin/sh".padEnd(80))]) {
    assertThrows(() => elfEnd(bytes), SyntaxError, "expected a 64-bit little-endian executable");
  }
});
