import { assertEquals, assertStringIncludes } from "@std/assert";

import { codeOf, decodeError, encodeError, RpcError } from "./error.ts";

Deno.test("an error's code and text survive, up to 64 bits and with any characters", () => {
  for (const code of [0n, 1n, 12n, 2n ** 64n - 1n]) {
    const decoded = decodeError(encodeError(new RpcError("kein Glück 🍀", code)));
    assertEquals([decoded.message, decoded.remoteCode], ["kein Glück 🍀", code]);
  }
});

Deno.test("decodeError() says so when the data is too short to be an error", () => {
  const decoded = decodeError(new TextEncoder().encode("oops"));

  assertEquals(decoded.remoteCode, 0n);
  assertStringIncludes(decoded.message, "oops (the error data was too short)");
});

Deno.test("codeOf() finds the code through the causes, and none where there is none", () => {
  const coded = new RpcError("inner", 7n);

  assertEquals(codeOf(new Error("outer", { cause: new Error("middle", { cause: coded }) })), 7n);
  assertEquals(codeOf(new RpcError("no code", 0n, { cause: coded })), 7n);
  assertEquals([codeOf(new Error("plain")), codeOf("text"), codeOf(undefined)], [0n, 0n, 0n]);
});

Deno.test("codeOf() ends for an error that is its own cause", () => {
  const error = new Error("loop");
  error.cause = error;

  assertEquals(codeOf(error), 0n);
});
