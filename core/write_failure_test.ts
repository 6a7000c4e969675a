import { assertEquals, assertStrictEquals } from "@std/assert";

import { roomHint, writeFailure } from "./write_failure.ts";

Deno.test("writeFailure() names the file and says what to do where there is no room", () => {
  const error = Object.assign(new Error("No space left on device (os error 28): writefile '/d/a.3f'"), {
    code: "ENOSPC",
  });

  const failure = writeFailure("/d/a", error) as Error;

  assertEquals(
    failure.message,
    'Cannot write "/d/a": No space left on device (os error 28); make room there, "df" and "df -i" say what is used up',
  );
  assertStrictEquals(failure.cause, error);
});

Deno.test("writeFailure() leaves other failures as they are", () => {
  for (const error of [new Deno.errors.PermissionDenied("no"), "text", undefined]) {
    assertStrictEquals(writeFailure("/d/a", error), error);
  }
});

Deno.test("roomHint() says what to do when a program had no room, and nothing otherwise", () => {
  for (
    const said of [
      "error: Failed writing\n\nCaused by:\n    No space left on device (os error 28) (for '/d/a')",
      "npm error ENOSPC: nospc: write",
      "tar: a: Cannot write: Disk quota exceeded",
    ]
  ) assertEquals(roomHint(said), 'make room there, "df" and "df -i" say what is used up');
  assertEquals(roomHint("Permission denied (os error 13)"), undefined);
});
