import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { LostSocket } from "./lost_socket.ts";

/** A socket, what the conversation about it failed for; `lastWords` happens while the program has time for them. */
async function watched(lastWords: (path: string, fail: (reason: string) => void) => void = () => {}) {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "http.sock");
  const reasons: string[] = [];
  const socket = new LostSocket(path, {
    fail: (error) => void reasons.push(error.message),
    lastWords: () => Promise.resolve(lastWords(path, (reason) => void reasons.push(reason))),
  });
  await Deno.writeTextFile(path, "");
  return { path, socket, reasons, [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
}

Deno.test("LostSocket.look() ends the conversation when the file is gone, and not before", async () => {
  await using it = await watched();

  await it.socket.look();
  assertEquals(it.reasons, []);
  await Deno.remove(it.path);
  await it.socket.look();

  assertEquals(it.reasons, [`its HTTP socket "${it.path}" was removed by somebody, so no request can reach it`]);
});

Deno.test("LostSocket.look() leaves the reason to a program that is just exiting", async () => {
  await using it = await watched((_, fail) => fail("it exited with 3"));

  await Deno.remove(it.path);
  await it.socket.look();

  assertEquals(it.reasons[0], "it exited with 3");
});

Deno.test("LostSocket.look() does nothing to a program that listens anew", async () => {
  await using it = await watched((path) => Deno.writeTextFileSync(path, ""));

  await Deno.remove(it.path);
  await it.socket.look();

  assertEquals(it.reasons, []);
});

Deno.test("LostSocket.look() does nothing to a program that was told to end", async () => {
  await using it = await watched();
  it.socket.leave();

  await Deno.remove(it.path);
  await it.socket.look();

  assertEquals(it.reasons, []);
});
