import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";

import { randomToken, TokenCheck, writeTokenFile } from "./token.ts";

Deno.test("randomToken() is never the same and safe in URLs and headers", () => {
  assertNotEquals(randomToken(), randomToken());
  assertEquals(/^[\w-]{43}$/.test(randomToken()), true);
});

Deno.test("TokenCheck accepts the token alone and refuses to be made from an empty one", () => {
  const check = new TokenCheck("right");

  assertEquals(check.accepts("right"), true);
  for (const wrong of ["Right", "righ", "right ", "right\0", "rightright", "righü", "", "x".repeat(10_000)]) {
    assertEquals(check.accepts(wrong), false, wrong);
  }
  assertEquals(check.accepts("right"), true);
  assertThrows(() => new TokenCheck(""), RangeError);
});

Deno.test("writeTokenFile() replaces the file at once, for its owner only, and removes it again", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/new/token`;

  await (await writeTokenFile(path, "old")).remove();
  await Deno.writeTextFile(path, "left by a crash", { mode: 0o644 });
  const file = await writeTokenFile(path, "secret");

  assertEquals(await Deno.readTextFile(path), "secret\n");
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  assertEquals([...Deno.readDirSync(`${directory}/new`)].map((entry) => entry.name), ["token"]);
  await file.remove();
  await file.remove();
  assertEquals([...Deno.readDirSync(`${directory}/new`)], []);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("writeTokenFile() leaves another agent's token alone, and no half-written file behind", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/token`;
  const first = await writeTokenFile(path, "first");
  await writeTokenFile(path, "second");

  await first.remove();

  assertEquals(await Deno.readTextFile(path), "second\n");
  await Deno.mkdir(`${directory}/taken/inside`, { recursive: true });
  await assertRejects(() => writeTokenFile(`${directory}/taken`, "x"));
  assertEquals([...Deno.readDirSync(directory)].map((entry) => entry.name).sort(), ["taken", "token"]);
  await Deno.remove(directory, { recursive: true });
});
