import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { SpawnError } from "../errors.ts";
import type { Child } from "../plugin.ts";
import type { ProcessGroups } from "./process_groups.ts";
import { Spawner } from "./spawner.ts";

const PATH = Deno.env.get("PATH") ?? "/usr/bin:/bin";
const SIZE = { cols: 81, rows: 33 };

function groups(processEnv: Record<string, string> = {}): ProcessGroups {
  return new Spawner({ processEnv: { PATH, HOME: "/", ...processEnv } })
    .scope("test", { build: (layers) => Promise.resolve({ PATH, ...layers?.overrides }) });
}

async function textOf(child: Child): Promise<string> {
  return (await new Response(child.output).text()).replaceAll("\r\n", "\n");
}

/** Reads until `text` has appeared and returns a function that reads the rest. */
async function screenUntil(child: Child, text: string): Promise<() => Promise<string>> {
  const reader = child.output.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (!seen.includes(text)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`ended without "${text}": ${seen}`);
    seen += value;
  }
  return async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value;
    return seen.replaceAll("\r\n", "\n");
  };
}

Deno.test("spawn() with pty gives the child a terminal of the size, and reports its exit code", async () => {
  await using scope = groups();

  const child = await scope.spawn({ command: "stty size; tty; echo $TERM; exit 9", pty: SIZE });

  assertEquals(await textOf(child), `33 81\n${child.terminal?.device}\nxterm-256color\n`);
  assertEquals(await child.exited, { code: 9, signal: null });
});

Deno.test("spawn() with pty takes TERM from the environment and starts where it was told", async () => {
  await using scope = groups();
  const directory = await Deno.makeTempDir();

  const child = await scope.spawn({
    command: ["sh", "-c", 'echo "$TERM $PWD"'],
    cwd: directory,
    env: { overrides: { TERM: "vt100" } },
    pty: SIZE,
  });

  assertEquals(await textOf(child), `vt100 ${directory}\n`);
  await child.exited;
  await Deno.remove(directory);
});

Deno.test("spawn() with pty makes the child lead its session, and kill() reaches its group", async () => {
  await using scope = groups();
  const child = await scope.spawn({ command: "sleep 60 & echo ready; wait", pty: SIZE });
  const rest = await screenUntil(child, "ready");

  const [, , , , group, session] = (await Deno.readTextFile(`/proc/${child.pid}/stat`)).split(" ");
  const reached = child.kill("SIGTERM");

  assertEquals([Number(group), Number(session), reached], [child.pid, child.pid, true]);
  assertEquals(await child.exited, { code: null, signal: "SIGTERM" });
  await rest();
});

Deno.test("resize() reaches a running child, and does nothing after its end", async () => {
  await using scope = groups();
  const child = await scope.spawn({
    command: "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 60 & wait; done",
    pty: SIZE,
  });
  const rest = await screenUntil(child, "ready");

  child.terminal?.resize({ cols: 100, rows: 40 });

  assertStringIncludes(await rest(), "40 100\n");
  child.terminal?.resize({ cols: 1, rows: 1 });
  await child.exited;
});

Deno.test("what is typed arrives whole, however full the terminal's queue is", async () => {
  await using scope = groups();
  const bytes = 1_000_000;
  const child = await scope.spawn({ command: `stty raw -echo; echo ready; head -c ${bytes} | wc -c`, pty: SIZE });
  const rest = await screenUntil(child, "ready");

  const writer = child.stdin!.getWriter();
  await writer.write(new Uint8Array(bytes));

  assertStringIncludes(await rest(), String(bytes));
  assertEquals((await child.exited).code, 0);
});

Deno.test("output that nobody has read yet outlives the child by any time", async () => {
  await using scope = groups();
  const child = await scope.spawn({ command: "stty raw; head -c 3000 /dev/zero; exit 0", pty: SIZE });

  await child.exited;
  // Longer than the 200 ms after which the library closes the terminal of an ended child.
  await scope.spawn({ command: "sleep 0.4" }).then((pause) => pause.exited.then(() => pause.output.cancel()));

  assertEquals((await new Response(child.output).arrayBuffer()).byteLength, 3000);
});

Deno.test("output of 5 MB to a slow reader is complete", async () => {
  await using scope = groups();
  const child = await scope.spawn({ command: "stty raw; head -c 5000000 /dev/zero", pty: SIZE });
  let bytes = 0;

  for await (const chunk of child.output) {
    bytes += chunk.length;
    await new Promise((resolve) => setImmediate(resolve));
  }

  assertEquals(bytes, 5_000_000);
  await child.exited;
});

Deno.test("a terminal does not leak into children started later", async () => {
  await using scope = groups();
  const terminal = await scope.spawn({ command: "echo ready; sleep 60", pty: SIZE });
  const rest = await screenUntil(terminal, "ready");

  const other = await scope.spawn({ command: "ls -l /proc/self/fd" });

  assertEquals((await new Response(other.output).text()).includes("ptmx"), false);
  await other.exited;
  terminal.kill("SIGKILL");
  await rest();
});

Deno.test("closing the terminal hangs up, and cancelling the output closes it", async () => {
  await using scope = groups();
  const closed = await scope.spawn({ command: "echo ready; exec sleep 60", pty: SIZE });
  const cancelled = await scope.spawn({ command: "echo ready; exec sleep 60", pty: SIZE });

  const rest = await screenUntil(closed, "ready");
  await closed.terminal?.close();
  const screen = cancelled.output.getReader();
  await screen.read();
  await screen.cancel();

  assertEquals((await closed.exited).signal, "SIGHUP");
  assertEquals((await cancelled.exited).signal, "SIGHUP");
  await rest();
});

Deno.test("close() of the scope ends children on terminals whose output nobody reads", async () => {
  const scope = groups();
  const child = await scope.spawn({ command: "trap '' HUP TERM; sleep 60", pty: SIZE });

  await scope.close();

  assertEquals((await child.exited).signal, "SIGKILL");
});

Deno.test("spawn() with pty refuses a missing program and a missing directory", async () => {
  await using scope = groups();

  await assertRejects(() => scope.spawn({ command: ["no-such-program"], pty: SIZE }), SpawnError, "no such program");
  await assertRejects(() => scope.spawn({ command: "true", cwd: "/no/such", pty: SIZE }), SpawnError, "does not exist");
});

Deno.test("spawn() with pty applies the agent's priorities", async () => {
  await using scope = groups({ CODER_PROC_PRIO_MGMT: "1", CODER_PROC_NICE_SCORE: "6" });

  const child = await scope.spawn({ command: ["sh", "-c", "cut -d' ' -f19 /proc/self/stat; tty"], pty: SIZE });

  assertEquals(await textOf(child), `6\n${child.terminal?.device}\n`);
  await child.exited;
});
