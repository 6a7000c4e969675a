import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { ScopeClosedError, SpawnError } from "../errors.ts";
import type { Child, SpawnOptions } from "../plugin.ts";
import { livingGroupMembers } from "./group_members.ts";
import { readOutput } from "./output_reader.ts";
import type { ProcessGroups } from "./process_groups.ts";
import { Spawner, type SpawnerOptions } from "./spawner.ts";

const PATH = Deno.env.get("PATH") ?? "/usr/bin:/bin";

function groupsOf(options: Partial<SpawnerOptions> = {}): ProcessGroups {
  const spawner = new Spawner({ processEnv: { HOME: Deno.cwd(), PATH }, ...options });
  return spawner.scope("test", {
    build: (layers) => Promise.resolve({ PATH, ...layers?.base, ...layers?.overrides }),
  });
}

/** Both ways to make a child lead its group: through setsid(1), and by the runtime alone. */
const WAYS: readonly [string, Partial<SpawnerOptions>][] = [["", {}], [" without setsid(1)", { setsid: null }]];

async function run(groups: ProcessGroups, options: SpawnOptions): Promise<{ code: number | null; text: string }> {
  let text = "";
  const decoder = new TextDecoder();
  const reading = readOutput(await groups.spawn(options), { output: (chunk) => text += decoder.decode(chunk) });
  const { code } = await reading.settled;
  await reading.cancel();
  return { code, text };
}

/** Resolves when the child has written `mark`. */
async function waitFor(child: Child, mark: string): Promise<void> {
  const seen = Promise.withResolvers<void>();
  let text = "";
  readOutput(child, {
    output: (chunk) => {
      text += new TextDecoder().decode(chunk);
      if (text.includes(mark)) seen.resolve();
    },
  });
  await seen.promise;
}

function membersOf(pid: number): number {
  return livingGroupMembers()?.get(pid)?.length ?? 0;
}

for (const [way, options] of WAYS) {
  Deno.test(`spawn() makes the child leader of its own group and session${way}`, async () => {
    await using groups = groupsOf(options);

    const { text } = await run(groups, { command: "echo $$; cut -d' ' -f5,6 /proc/$$/stat" });

    const [pid, group, session] = text.trim().split(/\s+/);
    assertEquals([group, session], [pid, pid]);
  });

  Deno.test(`spawn() keeps the order of standard output and error in one pipe${way}`, async () => {
    await using groups = groupsOf(options);
    const line = "for i in $(seq 200); do echo out $i; echo err $i >&2; done";

    const { text } = await run(groups, { command: line });

    const expected = Array.from({ length: 200 }, (_, i) => `out ${i + 1}\nerr ${i + 1}\n`).join("");
    assertEquals(text, expected);
  });

  Deno.test(`spawn() runs a line as "sh -c" does: name, line numbers, exit code${way}`, async () => {
    await using groups = groupsOf(options);
    const bare = await new Deno.Command("env", { args: ["sh", "-c", "echo $0\nmissing-program\nexit 42"] }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

    const { code, text } = await run(groups, { command: "echo $0\nmissing-program\nexit 42" });

    assertEquals(code, 42);
    assertEquals(text, decode(bare.stdout) + decode(bare.stderr));
  });

  Deno.test(`spawn() passes arguments on as they are${way}`, async () => {
    await using groups = groupsOf(options);
    const args = ["", "a b", "$HOME", "'\"", "-n", "line\nbreak", "ü"];

    const { text } = await run(groups, { command: ["printf", "[%s]", ...args] });

    assertEquals(text, args.map((arg) => `[${arg}]`).join(""));
  });

  Deno.test(`kill() reaches a child the moment it was started${way}`, async () => {
    await using groups = groupsOf(options);

    const children = await Promise.all(
      Array.from({ length: 20 }, () => groups.spawn({ command: "sleep 60 & sleep 60" })),
    );
    const sent = children.map((child) => child.kill("SIGKILL"));

    assertEquals(sent, children.map(() => true));
    for (const child of children) {
      assertEquals(await child.exited, { code: null, signal: "SIGKILL" });
      await child.output.cancel();
    }
    await groups.close();
    assertEquals(children.map((child) => membersOf(child.pid)), children.map(() => 0));
  });
}

Deno.test("spawn() gives two streams when asked to", async () => {
  await using groups = groupsOf();
  const seen = { out: "", err: "" };
  const child = await groups.spawn({ command: "echo to out; echo to err >&2", output: "separate" });
  const reading = readOutput(child, {
    output: (chunk) => seen.out += new TextDecoder().decode(chunk),
    errors: (chunk) => seen.err += new TextDecoder().decode(chunk),
  });

  await reading.settled;
  await reading.closed;

  assertEquals(seen, { out: "to out\n", err: "to err\n" });
});

Deno.test("spawn() lets the child read end-of-file at once, unless standard input is piped", async () => {
  await using groups = groupsOf();

  assertEquals(await run(groups, { command: "cat; echo done" }), { code: 0, text: "done\n" });
  const child = await groups.spawn({ command: ["cat"], stdin: "piped" });
  const text = new Response(child.output).text();
  const writer = child.stdin!.getWriter();
  await writer.write(new TextEncoder().encode("typed"));
  await writer.close();

  assertEquals(await text, "typed");
  assertEquals(await child.exited, { code: 0, signal: null });
});

Deno.test("spawn() gives the child the built environment, its mark, and nothing else", async () => {
  await using groups = groupsOf();

  const { text } = await run(groups, { command: ["/usr/bin/env"], env: { base: { A: "1" }, overrides: { B: "2" } } });

  const lines = text.split("\n").filter((line) => !/^(PATH|PWD|OLDPWD|SHLVL|_)=/.test(line));
  assertEquals(lines.map((line) => line.replace(/^(OUTPOST_PROCESS)=[0-9a-f-]{36}\.1$/, "$1")).sort(), [
    "",
    "A=1",
    "B=2",
    "OUTPOST_PROCESS",
  ]);
});

const FAULTS: readonly [string, SpawnOptions, string][] = [
  ["a missing program", { command: ["no-such-program"] }, 'Cannot start "no-such-program": no such program in PATH'],
  ["a missing file", { command: ["/no/such"] }, 'Cannot start "/no/such": it does not exist'],
  ["a file that is no program", { command: ["/etc/passwd"] }, 'Cannot start "/etc/passwd": it is not executable'],
  ["a directory", { command: ["/etc"] }, 'Cannot start "/etc": it is no file'],
  ["a missing directory", { command: "true", cwd: "/no/such" }, 'working directory "/no/such" does not exist'],
  ["a file as directory", { command: "true", cwd: "/etc/passwd" }, 'working directory "/etc/passwd" is no directory'],
  ["a relative directory", { command: "true", cwd: "tmp" }, 'working directory "tmp" is not absolute'],
  ["a NUL in the command", { command: "true \0" }, "nul byte"],
  ["a command over the system's limit", { command: `true ${"x".repeat(200_000)}` }, "too long"],
];
for (const [what, options, message] of FAULTS) {
  Deno.test(`spawn() names ${what}`, async () => {
    await using groups = groupsOf();

    const error = await assertRejects(() => groups.spawn(options), SpawnError);

    assertStringIncludes(error.message, message);
    assertEquals(groups.running, 0);
  });
}

Deno.test("exited resolves with the main process although a child keeps the output open", async () => {
  await using groups = groupsOf();
  const child = await groups.spawn({ command: "sleep 60 & exit 3" });

  assertEquals(await child.exited, { code: 3, signal: null });
  assertEquals(membersOf(child.pid), 1);
  await child.output.cancel();
});

Deno.test("kill() ends what the main process left behind, and then says that nothing is left", async () => {
  await using groups = groupsOf();
  const child = await groups.spawn({ command: "sleep 60 & sleep 60 & exit 0" });
  await child.exited;

  const first = child.kill("SIGKILL");
  // End of output means that the members are gone.
  await new Response(child.output).arrayBuffer();
  await groups.close();

  assertEquals(first, true);
  assertEquals(child.kill("SIGKILL"), false);
});

Deno.test("kill() returns false after the only process has ended", async () => {
  await using groups = groupsOf();
  const child = await groups.spawn({ command: "true" });
  await child.exited;
  await child.output.cancel();

  assertEquals(child.kill("SIGTERM"), false);
});

Deno.test("kill() ends a whole tree, stopped and stubborn processes included", async () => {
  await using groups = groupsOf();
  const child = await groups.spawn({
    command: "trap '' TERM; for i in 1 2 3; do (trap '' TERM HUP; sleep 60 & sleep 60) & done; (kill -STOP $$) & wait",
  });
  // Waits until the leader was stopped, by asking the kernel.
  while (!/\) T /.test(await Deno.readTextFile(`/proc/${child.pid}/stat`)));

  child.kill("SIGTERM");
  assert(membersOf(child.pid) >= 4);
  child.kill("SIGKILL");

  assertEquals(await child.exited, { code: null, signal: "SIGKILL" });
  await child.output.cancel();
  await groups.close();
  assertEquals(membersOf(child.pid), 0);
});

Deno.test("spawn() kills the group when its signal aborts", async () => {
  await using groups = groupsOf();
  const stop = new AbortController();
  const child = await groups.spawn({ command: "sleep 60 & sleep 60", signal: stop.signal });

  stop.abort();

  assertEquals((await child.exited).signal, "SIGKILL");
  await child.output.cancel();
});

Deno.test("spawn() starts nothing when its signal is aborted already", async () => {
  await using groups = groupsOf();

  await assertRejects(
    () => groups.spawn({ command: "true", signal: AbortSignal.abort(new Error("too late")) }),
    "too late",
  );

  assertEquals(groups.running, 0);
});

Deno.test("close() kills every group, also those without a leader, and refuses later starts", async () => {
  const groups = groupsOf();
  const led = await groups.spawn({ command: "trap '' TERM; echo ready; sleep 60 & sleep 60" });
  await waitFor(led, "ready");
  const left = await groups.spawn({ command: "sleep 60 & exit 0" });
  await left.exited;
  await Promise.all([groups.close(), new Response(left.output).arrayBuffer()]);

  assertEquals(membersOf(led.pid) + membersOf(left.pid), 0);
  await assertRejects(() => groups.spawn({ command: "true" }), ScopeClosedError);
});

Deno.test("close() refuses a start that was waiting for its environment", async () => {
  const environment = Promise.withResolvers<Record<string, string>>();
  const groups = new Spawner({ processEnv: { PATH, HOME: "/" } }).scope("test", { build: () => environment.promise });
  const starting = groups.spawn({ command: "sleep 60" });

  await groups.close();
  environment.resolve({ PATH });

  await assertRejects(() => starting, ScopeClosedError);
  assertEquals(groups.running, 0);
});

Deno.test("Spawner.killAll() kills the groups of every plugin at once", async () => {
  const spawner = new Spawner({ processEnv: { PATH, HOME: "/" } });
  const environment = { build: () => Promise.resolve({ PATH }) };
  await using one = spawner.scope("one", environment);
  await using two = spawner.scope("two", environment);
  const children = [await one.spawn({ command: "sleep 60" }), await two.spawn({ command: "sleep 60" })];

  spawner.killAll();

  for (const child of children) {
    assertEquals((await child.exited).signal, "SIGKILL");
    await child.output.cancel();
  }
});

Deno.test("directory() takes the request, else the configured one if it is there, else home", async () => {
  const configured = await Deno.makeTempDir();
  const groups = groupsOf({ directory: configured });

  assertEquals(await groups.directory("/no/such"), "/no/such");
  assertEquals(await groups.directory(""), configured);
  assertEquals(await groups.directory(), configured);
  await Deno.remove(configured);
  assertEquals(await groups.directory(), Deno.cwd());
});

Deno.test("spawn() applies nice value and OOM score when the agent is told to", async () => {
  await using groups = groupsOf({
    processEnv: { PATH, HOME: "/", CODER_PROC_PRIO_MGMT: "1", CODER_PROC_NICE_SCORE: "7", CODER_PROC_OOM_SCORE: "500" },
  });

  const { text } = await run(groups, { command: "cut -d' ' -f19 /proc/self/stat; cat /proc/self/oom_score_adj" });

  assertEquals(text, "7\n500\n");
});

Deno.test("spawn() says what it could not set, and starts all the same", async () => {
  await using groups = groupsOf({
    processEnv: { PATH, HOME: "/", CODER_PROC_PRIO_MGMT: "", CODER_PROC_OOM_SCORE: "5000" },
  });

  assertEquals(await run(groups, { command: "echo started" }), {
    code: 0,
    text: "outpost: cannot set OOM score to 5000\nstarted\n",
  });
});
