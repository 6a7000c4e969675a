import { assertEquals, assertRejects } from "@std/assert";

import { DialError } from "./dial_error.ts";
import { headerOf, headersOfCommand } from "./header_command.ts";

Deno.test("headersOfCommand() reads a header per line, with the control plane's address at hand", async () => {
  const headers = await headersOfCommand('echo "X-At=$CODER_URL"; echo; echo "X-Key=a=b c"', "https://coder.example");

  assertEquals(headers, { "X-At": "https://coder.example", "X-Key": "a=b c" });
});

Deno.test("headersOfCommand() says what is wrong, and shows no value", async () => {
  const failed = await assertRejects(() => headersOfCommand("echo a=b; exit 3", "https://x.example"), DialError);
  const garbled = await assertRejects(
    () => headersOfCommand("echo a=b; echo my secret", "https://x.example"),
    DialError,
  );

  assertEquals(failed.message, "Cannot connect to the control plane: the header command ended with 3");
  assertEquals(garbled.message, "Cannot connect to the control plane: line 2 of the header command is no NAME=VALUE");
});

Deno.test("headerOf() takes names as HTTP has them", () => {
  assertEquals(headerOf("X-A="), ["X-A", ""]);
  assertEquals([headerOf("no"), headerOf("=b"), headerOf("a b=c")], [undefined, undefined, undefined]);
});
