import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import { systemClock } from "../../core/clock.ts";
import { VirtualClock } from "../../core/testing/mod.ts";
import { XauthorityFile } from "./xauthority_file.ts";
import { decodeRecords, localRecord } from "./xauthority_records.ts";

const record = (display: number) =>
  localRecord("host", display, { protocol: "MIT-MAGIC-COOKIE-1", cookie: new Uint8Array(16).fill(display) });
const forever = new AbortController().signal;

async function inDirectory(fn: (path: string, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await fn(join(directory, ".Xauthority"), directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const displays = async (path: string) =>
  decodeRecords(await Deno.readFile(path)).map(({ display }) => new TextDecoder().decode(display));

Deno.test("add() makes the file for the user alone, and remove() leaves the other cookies", () =>
  inDirectory(async (path, directory) => {
    const file = new XauthorityFile(systemClock);

    await file.add(path, record(10), forever);
    await file.add(path, record(11), forever);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    await file.remove(path, record(10));

    assertEquals(await displays(path), ["11"]);
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), [".Xauthority"]);
  }));

Deno.test("changes of several writers at once all count", () =>
  inDirectory(async (path) => {
    const files = [new XauthorityFile(systemClock), new XauthorityFile(systemClock)];

    await Promise.all(Array.from({ length: 20 }, (_, n) => files[n % 2]!.add(path, record(10 + n), forever)));

    assertEquals((await displays(path)).length, 20);
  }));

Deno.test("add() waits for the lock of other X programs, and no longer than the client is there", () =>
  inDirectory(async (path) => {
    const clock = new VirtualClock();
    const file = new XauthorityFile(clock);
    const client = new AbortController();
    await Deno.writeTextFile(`${path}-c`, "");
    await Deno.utime(`${path}-c`, new Date(clock.now()), new Date(clock.now()));

    const added = file.add(path, record(10), forever);
    await clock.untilSleeping();
    await Deno.remove(`${path}-c`);
    await clock.advance(100);
    await added;
    assertEquals(await displays(path), ["10"]);

    await Deno.writeTextFile(`${path}-c`, "");
    await Deno.utime(`${path}-c`, new Date(clock.now()), new Date(clock.now()));
    const left = file.add(path, record(11), client.signal);
    await clock.untilSleeping();
    client.abort(new Error("gone"));
    await assertRejects(() => left, Error, "gone");
    assertEquals(await displays(path), ["10"]);
  }));

Deno.test("a lock that nobody gives back is named, and one that was left behind long ago is taken away", () =>
  inDirectory(async (path) => {
    const clock = new VirtualClock();
    const file = new XauthorityFile(clock);
    await Deno.writeTextFile(`${path}-c`, "");
    await Deno.utime(`${path}-c`, new Date(clock.now()), new Date(clock.now()));

    const added = file.add(path, record(10), forever);
    const refused = assertRejects(() => added, Error, `another program holds "${path}-c"`);
    for (let look = 0; look < 200; look++) {
      await clock.untilSleeping();
      await clock.advance(100);
    }
    await refused;
    await Deno.utime(`${path}-c`, new Date(clock.now() - 601_000), new Date(clock.now() - 601_000));
    await file.add(path, record(10), forever);

    assertEquals(await displays(path), ["10"]);
  }));

Deno.test("a file that is none is left as it is, with an error that says what to do", () =>
  inDirectory(async (path) => {
    await Deno.writeTextFile(path, "my diary");

    await assertRejects(
      () => new XauthorityFile(systemClock).add(path, record(10), forever),
      Error,
      "record 1 is cut short; no X program can read it, so remove it",
    );

    assertEquals(await Deno.readTextFile(path), "my diary");
  }));

Deno.test("a link stays a link, and what it points to is changed", () =>
  inDirectory(async (path, directory) => {
    const target = join(directory, "real");
    await Deno.writeTextFile(target, "");
    await Deno.symlink(target, path);

    await new XauthorityFile(systemClock).add(path, record(10), forever);

    assertEquals([(await Deno.lstat(path)).isSymlink, await displays(target)], [true, ["10"]]);
  }));
