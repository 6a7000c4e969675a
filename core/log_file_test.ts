import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";

import { LogFile } from "./log_file.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function inDirectory(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function contents(directory: string): Promise<Record<string, string>> {
  const names = (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await Deno.readTextFile(join(directory, name))] as const)),
  );
}

Deno.test("LogFile appends, begins anew when it is full, and keeps as many full files as it was told", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a.log");
    await Deno.writeTextFile(path, "old");
    {
      using file = new LogFile(path, { maxBytes: 8, backups: 2 });

      for (const text of ["line1", "line2", "line3", "line4"]) file.writeSync(bytes(text));
    }

    assertEquals(await contents(directory), { "a.log": "line4", "a.log.1": "line3", "a.log.2": "line2" });
  }));

Deno.test("LogFile takes a line that is longer than the limit whole, and keeps no full file when told so", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a.log");
    {
      using file = new LogFile(path, { maxBytes: 4, backups: 0 });

      file.writeSync(bytes("a long line"));
      assertEquals(await contents(directory), { "a.log": "a long line" });
      file.writeSync(bytes("next"));
    }

    assertEquals(await contents(directory), { "a.log": "next" });
    assertEquals((await Deno.stat(path)).mode! & 0o777 & ~0o022, 0o644);
  }));

Deno.test("LogFile begins anew where somebody took its file away", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "a.log");
    using file = new LogFile(path, { maxBytes: 8, backups: 1 });
    file.writeSync(bytes("line1"));

    await Deno.remove(path);
    file.writeSync(bytes("line2"));

    assertEquals(await contents(directory), { "a.log": "line2" });
  }));

Deno.test("LogFile without a limit grows", () =>
  inDirectory(async (directory) => {
    using file = new LogFile(join(directory, "a.log"), { maxBytes: 0, backups: 2 });

    for (let index = 0; index < 100; index++) file.writeSync(bytes("0123456789"));

    assertEquals((await contents(directory))["a.log"]?.length, 1000);
  }));

Deno.test("LogFile says that its directory is missing", () => {
  assertThrows(() => new LogFile("/no/such/directory/a.log", { maxBytes: 0, backups: 0 }), Deno.errors.NotFound);
});
