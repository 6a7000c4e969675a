import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { loginOutput } from "./login_output.ts";

async function inHome(fn: (home: string) => Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir();
  await fn(home);
  await Deno.remove(home, { recursive: true });
}

Deno.test("loginOutput() shows announcements trimmed and apart, then the message of the day, all with CR LF", () =>
  inHome(async (home) => {
    const motdFile = join(home, "motd");
    await Deno.writeTextFile(motdFile, "one\ntwo\r\nthree");

    const { text } = await loginOutput({ banners: () => ["\n first\nline \n", "  ", "second"], motdFile, home });

    assertEquals(text, "first\r\nline\r\n\r\nsecond\r\n\r\none\r\ntwo\r\nthree\r\n");
  }));

Deno.test("loginOutput() keeps the message of the day quiet in a hushed home, and only that", () =>
  inHome(async (home) => {
    const motdFile = join(home, "motd");
    await Deno.writeTextFile(motdFile, "day");
    await Deno.writeTextFile(join(home, ".hushlogin"), "");

    assertEquals((await loginOutput({ banners: () => ["news"], motdFile, home })).text, "news\r\n\r\n");
  }));

Deno.test("loginOutput() is silent about a missing file, and tells what failed", () =>
  inHome(async (home) => {
    const missing = await loginOutput({ banners: () => [], motdFile: join(home, "none"), home });
    const failed = await loginOutput({
      banners: () => {
        throw new Error("offline");
      },
      motdFile: home,
      home,
    });

    assertEquals(missing, { text: "", faults: [] });
    assertEquals([failed.text, failed.faults.map(({ part }) => part)], ["", ["announcement_banner", "motd"]]);
  }));
