import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import { defaultHostKeyFile, derivedHostKey, hostKeySeed, keepHostKey, randomHostKey } from "./host_key.ts";
import { loadSsh2, publicKeyOf, readKey } from "./transport/ssh2_library.ts";

const NAMES = { owner: "ada", workspace: "dev", agent: "main" };

Deno.test("hostKeySeed() is FNV-1a over the names with NUL between them, signed", () => {
  // Computed with another implementation of FNV-1a from "ada\0dev\0main".
  assertEquals(hostKeySeed(NAMES), fnv("ada\0dev\0main"));
  assertNotEquals(hostKeySeed(NAMES), hostKeySeed({ owner: "ad", workspace: "adev", agent: "main" }));
  // The published value for one letter, read as a signed number.
  assertEquals(fnv("a"), BigInt.asIntN(64, 0xaf63dc4c8601ec8cn));
});

Deno.test("derivedHostKey() gives the same key for the same seed, and another for another", () => {
  for (const seed of [0n, 1234n, 1010101010n, -1n]) assertEquals(derivedHostKey(seed), derivedHostKey(seed));
  assertNotEquals(derivedHostKey(1n), derivedHostKey(2n));
});

Deno.test("host keys are Ed25519 keys that the library takes", async () => {
  const library = await loadSsh2();

  for (const text of [derivedHostKey(7n), randomHostKey()]) {
    const key = readKey(library, text);
    assertEquals([key?.type, key?.getPrivatePEM() !== null], ["ssh-ed25519", true]);
  }
});

Deno.test("keepHostKey() makes a key once, for the user alone, also when two ask at once", async () => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "made", "key");

  const [one, two] = await Promise.all([keepHostKey(path), keepHostKey(path)]);

  assertEquals([two, await keepHostKey(path)], [one, one]);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  assertEquals((await Deno.stat(join(directory, "made"))).mode! & 0o777, 0o700);
  assertEquals([...Deno.readDirSync(join(directory, "made"))].length, 1);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("keepHostKey() refuses a key that others can reach", async () => {
  const path = await Deno.makeTempFile();
  await Deno.chmod(path, 0o640);

  await assertRejects(() => keepHostKey(path), Error, "its mode is 640");
  await Deno.remove(path);
});

Deno.test("defaultHostKeyFile() lies in the state directory", () => {
  const end = "outpost/ssh_host_ed25519_key";
  assertEquals(defaultHostKeyFile({ HOME: "/home/me" }), `/home/me/.local/state/${end}`);
  assertEquals(defaultHostKeyFile({ HOME: "/home/me", XDG_STATE_HOME: "/state" }), `/state/${end}`);
  assertEquals(defaultHostKeyFile({ HOME: "/home/me", XDG_STATE_HOME: "relative" }), `/home/me/.local/state/${end}`);
});

/** Digit by digit as the definition has it, to compare with. */
function fnv(text: string): bigint {
  let hash = 14695981039346656037n;
  for (const letter of text) hash = ((hash ^ BigInt(letter.charCodeAt(0))) * 1099511628211n) % 2n ** 64n;
  return hash >= 2n ** 63n ? hash - 2n ** 64n : hash;
}

Deno.test("publicKeyOf() tells the public half in the form that the library reads", async () => {
  const library = await loadSsh2();

  const told = publicKeyOf(library, derivedHostKey(7n));

  assertEquals(told.split(" ")[0], "ssh-ed25519");
  assertEquals(readKey(library, told)?.getPublicSSH(), readKey(library, derivedHostKey(7n))?.getPublicSSH());
});
