/**
 * An agent whose disk is full: it says so at start, and goes on when its log cannot be written.
 *
 * A small file system of its own stands for the disk; where the tests may not mount one, a skipped step says so.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { ROOT, startAgent } from "../agent_process.ts";

const DISK_BYTES = 64 * 1024;

Deno.test("outpost start says that the token cannot be written to a full disk, and leaves no half of one", async (t) => {
  await withFullDisk(t, async (disk) => {
    const tokenFile = join(disk, "token");

    const error = await assertRejects(() => startAgent({ tokenFile }), Error);

    assertStringIncludes(error.message, tokenFile);
    assertStringIncludes(error.message, "No space left");
    assertEquals((await Array.fromAsync(Deno.readDir(disk))).map(({ name }) => name), ["filling"]);
  });
});

Deno.test("outpost start uses the token that a full disk already holds", async (t) => {
  await withFullDisk(t, async (disk) => {
    const tokenFile = join(disk, "token");
    await Deno.truncate(join(disk, "filling"), DISK_BYTES / 2);
    await Deno.writeTextFile(tokenFile, "kept-from-before\n", { mode: 0o600 });
    await fill(join(disk, "more"));

    await using agent = await startAgent({ tokenFile });

    assertEquals(agent.token, "kept-from-before");
    assertEquals((await agent.fetch("/readyz").then(drained)).status, 200);
  });
});

Deno.test("outpost start goes on serving when its log is on a full disk", async (t) => {
  await withFullDisk(t, async (disk) => {
    const log = join(disk, "log");
    await Deno.writeTextFile(log, "");
    const command = ["/bin/sh", "-c", `exec "$@" 2>>'${log}'`, "sh"];

    await using agent = await startAgent({
      command: [...command, Deno.execPath(), "run", "-A", join(ROOT, "main.ts")],
      args: ["--log-level", "debug"],
    });
    for (let i = 0; i < 20; i++) assertEquals((await agent.fetch("/api/v0/info").then(drained)).status, 200);
    agent.signal("SIGTERM");

    assertEquals((await agent.ended).code, 0);
    assertEquals((await Deno.stat(log)).size, 0);
  });
});

/** Runs `use` with a file system that has not a byte left. */
async function withFullDisk(t: Deno.TestContext, use: (disk: string) => Promise<void>): Promise<void> {
  const disk = await Deno.makeTempDir({ prefix: "outpost-full-" });
  try {
    if (!await run("mount", "-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", disk)) {
      await t.step({ name: "needs the right to mount", ignore: true, fn() {} });
      return;
    }
    try {
      await fill(join(disk, "filling"));
      await use(disk);
    } finally {
      assert(await run("umount", disk));
    }
  } finally {
    await Deno.remove(disk, { recursive: true });
  }
}

async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  await assertRejects(async () => {
    for (let bytes = 0; bytes <= DISK_BYTES;) bytes += await file.write(new Uint8Array(4096));
  }, "No space left");
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(program, { args, stdin: "null", stderr: "null" }).output();
  return success;
}

async function drained(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}
