import { assertEquals, assertThrows } from "@std/assert";

import { uuidBytes, uuidText } from "./uuid.ts";

Deno.test("uuidBytes() and uuidText() are each other's inverse; the nil UUID is nobody", () => {
  const text = "01020304-0506-0708-090a-0b0c0d0e0f10";

  assertEquals(uuidText(uuidBytes(text)), text);
  assertEquals(uuidText(new Uint8Array(16)), undefined);
  assertEquals(uuidText(new Uint8Array(3)), undefined);
  assertThrows(() => uuidBytes("nobody"), TypeError, 'Cannot read "nobody" as a UUID');
});
