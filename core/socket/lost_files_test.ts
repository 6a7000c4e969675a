import { assertEquals } from "@std/assert";

import type { Logger } from "../plugin.ts";
import { LostFiles } from "./lost_files.ts";

/** So short that a test need not wait for it. */
const EVERY_MS = 1;

interface World extends AsyncDisposable {
  readonly path: string;
  readonly lost: LostFiles;
  /** Resolves with the next line of the log. */
  said(): Promise<string>;
}

async function world(): Promise<World> {
  const directory = await Deno.makeTempDir();
  let next = Promise.withResolvers<string>();
  const say = (message: string) => {
    next.resolve(message);
    next = Promise.withResolvers();
  };
  const log: Logger = { debug() {}, info() {}, warn: say, error: say };
  const lost = new LostFiles({ log, everyMs: EVERY_MS });
  return {
    path: `${directory}/file`,
    lost,
    said: () => next.promise,
    async [Symbol.asyncDispose]() {
      await lost[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("LostFiles has a file that vanished made again, and says so", async () => {
  await using at = await world();
  await Deno.writeTextFile(at.path, "1");
  at.lost.watch(at.path, () => Deno.writeTextFile(at.path, "2"));

  const said = at.said();
  await Deno.remove(at.path);

  assertEquals(await said, "file was removed by somebody and is back");
  assertEquals(await Deno.readTextFile(at.path), "2");
});

Deno.test("LostFiles says once that it cannot, and tries until it can", async () => {
  await using at = await world();
  let attempts = 0;
  const first = at.said();
  at.lost.watch(at.path, async () => {
    if (++attempts < 4) throw new Error("no space");
    await Deno.writeTextFile(at.path, "");
  });

  assertEquals(await first, "file was removed by somebody and cannot be made again");
  assertEquals(await at.said(), "file was removed by somebody and is back");
  assertEquals(attempts, 4);
});

Deno.test("LostFiles leaves alone what was replaced, what is no longer watched, and everything once it is closed", async () => {
  await using at = await world();
  const made: string[] = [];
  const ignored = at.lost.watch(`${at.path}.ignored`, () => Promise.resolve(void made.push("ignored")));
  ignored[Symbol.dispose]();
  await Deno.writeTextFile(at.path, "somebody else's");
  at.lost.watch(at.path, () => Promise.resolve(void made.push("replaced")));
  at.lost.watch(`${at.path}.sign`, () => Deno.writeTextFile(`${at.path}.sign`, ""));

  await at.said();
  await at.lost[Symbol.asyncDispose]();
  await Deno.remove(at.path);

  assertEquals(made, []);
});
