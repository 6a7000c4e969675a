import { assertEquals, assertMatch } from "@std/assert";

import { livingProcess } from "../../core/exec/process_scan.ts";
import { definePlugin, type PluginContext } from "../../core/plugin.ts";
import { createTestAgent, type TestAgent } from "../../core/testing/mod.ts";
import { type MetadataCommandWork, type MetadataResult, runMetadataCommand } from "./metadata_command.ts";

const never = new AbortController().signal;

/** An agent whose plugin lends its context. */
async function withWork(
  test: (work: MetadataCommandWork, agent: TestAgent) => Promise<void>,
): Promise<void> {
  let ctx: PluginContext<Record<never, never>, Record<never, never>> | undefined;
  const lender = definePlugin({
    ...{ id: "lender", version: "1.0.0", api: 1, summary: "Lends its context.", stability: "stable" },
    setup: (own) => void (ctx = own),
  });
  await using agent = await createTestAgent({ plugins: [lender] });
  const user = () => Promise.resolve({ shell: "/bin/sh", env: { base: { SHELL: "/bin/sh" } } });
  await test({ exec: ctx!.exec, clock: ctx!.clock, user, maxOutputBytes: 10_240 }, agent);
}

function run(script: string, work: MetadataCommandWork, timeoutMs = 60_000) {
  return runMetadataCommand({ script, timeoutMs }, work, never);
}

Deno.test("runMetadataCommand() keeps both outputs in order, with the time the script began", async () => {
  await withWork(async (work) => {
    const result = await run("echo hello; echo again >&2", work);

    assertEquals(result, { collectedAtMs: work.clock.now(), value: "hello\nagain\n", error: "" });
  });
});

Deno.test("runMetadataCommand() tells how a script failed, beside what it wrote", async () => {
  await withWork(async (work) => {
    const { value, error } = await run("echo some; exit 1", work);
    const killed = await run("kill -TERM $$", work);

    assertEquals([value, error], ["some\n", "run cmd: exit status 1"]);
    assertEquals(killed.error, "run cmd: signal: terminated");
  });
});

Deno.test("runMetadataCommand() gives scripts no input, and takes the interpreter of their first line", async () => {
  await withWork(async (work) => {
    assertEquals((await run("cat; echo end", work)).value, "end\n");
    assertEquals((await run("#!/bin/bash\necho $BASH_VERSION", work)).value.trim() !== "", true);
  });
});

Deno.test("runMetadataCommand() cuts output at its limit, between characters, and says how long it was", async () => {
  await withWork(async (work) => {
    const long = await run("head -c 20000 /dev/zero | tr '\\0' x", work);
    assertEquals([long.value.length, long.error], [10_240, "run cmd: output truncated from 20000 to 10240 bytes"]);

    const cut = await run("printf 'aä€'; exit 3", { ...work, maxOutputBytes: 4 });
    assertEquals([cut.value, cut.error], ["aä", "run cmd: exit status 3\noutput truncated from 6 to 4 bytes"]);
  });
});

Deno.test("runMetadataCommand() replaces what no database of texts takes", async () => {
  await withWork(async (work) => {
    assertEquals((await run("printf 'a\\0b\\377c'", work)).value, "a\u274Cb\uFFFDc");
  });
});

/** Runs a script until it has made the file it is given; then its time is over. */
async function runTooLong(script: (ready: string) => string): Promise<MetadataResult> {
  const dir = await Deno.makeTempDir();
  const ready = `${dir}/ready`;
  const result = Promise.withResolvers<MetadataResult>();
  await withWork(async (work, agent) => {
    const running = run(script(ready), work, 5000);
    while (!await Deno.stat(ready).then(() => true, () => false)) await new Promise((resolve) => setImmediate(resolve));
    await agent.clock.advance(5000);
    result.resolve(await running);
  });
  await Deno.remove(dir, { recursive: true });
  return await result.promise;
}

Deno.test("runMetadataCommand() kills a script that is over its time, with what it started elsewhere", async () => {
  const { value, error } = await runTooLong((ready) => `echo first; setsid sleep 1000 & echo $!; touch ${ready}; wait`);

  assertEquals(error, "run cmd: signal: killed\ncontext deadline exceeded");
  assertMatch(value, /^first\n\d+\n$/);
  assertEquals(livingProcess(Number(/\d+/.exec(value)?.[0])), undefined);
});

Deno.test("runMetadataCommand() waits for those who hold the output, until the time is over", async () => {
  const { value, error } = await runTooLong((ready) =>
    `echo done; main=$$; (while kill -0 $main; do :; done; touch ${ready}; exec sleep 1000) 2>/dev/null & exit 0`
  );

  assertEquals([value, error], ["done\n", "run cmd: context deadline exceeded"]);
});

Deno.test("runMetadataCommand() says in which step it failed", async () => {
  await withWork(async (work) => {
    const nobody = await run("true", { ...work, user: () => Promise.reject(new Error("no shell")) });
    const nothing = await run("true", { ...work, user: () => Promise.resolve({ shell: "/nowhere/sh", env: {} }) });

    assertEquals(nobody.error, "create cmd: no shell");
    assertMatch(nothing.error, /^start cmd: .*\/nowhere\/sh/);
  });
});

Deno.test("runMetadataCommand() ends at once when it is aborted", async () => {
  await withWork(async (work) => {
    const stop = new AbortController();
    const running = runMetadataCommand({ script: "sleep 1000", timeoutMs: 60_000 }, work, stop.signal);
    stop.abort();

    assertEquals((await running).value, "");
  });
});
