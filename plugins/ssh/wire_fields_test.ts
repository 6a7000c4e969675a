import { assertEquals, assertThrows } from "@std/assert";

import { FieldReader, FieldWriter } from "./wire_fields.ts";

Deno.test("FieldReader reads back what FieldWriter wrote, also after the writer had to grow", () => {
  const writer = new FieldWriter(1).uint8(7).uint32(0xfffffffe).uint64(2 ** 40).text("grüße").bytes(
    new Uint8Array(300),
  );

  const reader = new FieldReader(writer.patchUint32(1, 9).finish());

  assertEquals([reader.uint8(), reader.uint32(), reader.uint64(), reader.text()], [7, 9, 2 ** 40, "grüße"]);
  assertEquals([reader.bytes().length, reader.isAtEnd], [300, true]);
});

Deno.test("FieldReader refuses a packet that is shorter than it claims", () => {
  const claim = new FieldWriter().uint32(1000).finish();

  assertThrows(() => new FieldReader(claim).bytes(), SyntaxError, "the packet has 4");
  assertThrows(() => new FieldReader(new Uint8Array(3)).uint32(), SyntaxError);
});
