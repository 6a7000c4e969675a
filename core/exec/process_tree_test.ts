import { assert, assertEquals } from "@std/assert";

import type { Child } from "../plugin.ts";
import { readOutput } from "./output_reader.ts";
import type { ProcessGroups } from "./process_groups.ts";
import { livingProcess, MARK_VARIABLE, marksOf } from "./process_scan.ts";
import { killTree } from "./process_tree.ts";
import { Spawner } from "./spawner.ts";

const PATH = Deno.env.get("PATH") ?? "/usr/bin:/bin";
const onlyLinux = { ignore: Deno.build.os !== "linux" };

function groupsOf(env: Record<string, string> = {}): ProcessGroups {
  const variables = { PATH, ...env };
  return new Spawner({ processEnv: { HOME: "/", PATH } }).scope("test", { build: () => Promise.resolve(variables) });
}

/** Starts a line, and reads numbers of processes from its output until a line says "ready". */
async function start(groups: ProcessGroups, command: string): Promise<{ child: Child; pids: number[] }> {
  const child = await groups.spawn({ command });
  const ready = Promise.withResolvers<void>();
  let text = "";
  readOutput(child, {
    output: (chunk) => {
      text += new TextDecoder().decode(chunk);
      if (text.includes("ready\n")) ready.resolve();
    },
  });
  await ready.promise;
  return { child, pids: (text.match(/^\d+$/gm) ?? []).map(Number) };
}

function alive(pids: readonly number[]): number[] {
  return pids.filter((pid) => livingProcess(pid) !== undefined);
}

/** Each prints the numbers of its processes and then "ready". */
const TREES: readonly (readonly [what: string, command: string, count: number])[] = [
  ["a session of its own", "setsid sh -c 'echo $$; echo ready; exec sleep 600' & wait", 1],
  [
    "a daemon that forked twice, its parents gone",
    "setsid sh -c '(sh -c \"echo \\$\\$; echo ready; exec sleep 600\" &) ; exit 0' & wait; sleep 600",
    1,
  ],
  [
    "a daemon that outlived the command",
    "setsid sh -c 'echo $$; echo ready; exec sleep 600' >&1 2>&1 & exit 0",
    1,
  ],
  [
    "who ignores what can be ignored",
    "trap '' TERM INT HUP; setsid sh -c 'echo $$; echo ready; sleep 600; :' & sleep 600",
    1,
  ],
  ["who is stopped", "setsid sh -c 'echo $$; (echo ready) ; kill -STOP $$; sleep 600' & wait", 1],
  [
    "who has an empty environment, while its parent lives",
    "setsid sh -c 'env -i /bin/sleep 600 & echo $!; echo $$; echo ready; wait' & wait",
    2,
  ],
  ["groups of one session", "set -m; sleep 600 & echo $!; sleep 600 & echo $!; echo ready; wait", 2],
  [
    "a tree of 500",
    "for i in $(seq 50); do setsid sh -c 'for j in $(seq 9); do sleep 600 & echo $!; done; echo $$; echo done; wait' & done | " +
    "(n=0; while [ $n -lt 50 ]; do read -r line; echo $line; [ $line = done ] && n=$((n+1)); done; echo ready; cat)",
    500,
  ],
];

for (const [what, command, count] of TREES) {
  Deno.test(`Child.killTree() ends ${what}`, onlyLinux, async () => {
    await using groups = groupsOf();
    const { child, pids } = await start(groups, command);
    assertEquals([pids.length, alive(pids).length], [count, count]);

    const killed = await child.killTree();

    assertEquals(alive(pids), []);
    assertEquals([killed.found, killed.survivors], [true, []]);
    assertEquals(pids.filter((pid) => !killed.ended.includes(pid)), []);
    await child.exited;
    assertEquals((await child.killTree()).found, false);
  });

  Deno.test(`close() of the groups ends ${what}`, onlyLinux, async () => {
    const groups = groupsOf();
    const { pids } = await start(groups, command);

    await groups.close();

    assertEquals(alive(pids), []);
  });
}

Deno.test("killAll() reaches who left its group, without waiting", onlyLinux, async () => {
  await using groups = groupsOf();
  const { pids } = await start(groups, TREES[0]![1]);

  groups.killAll();

  while (alive(pids).length > 0) await new Promise((resolve) => setImmediate(resolve));
});

Deno.test("Child.killTree() spares other commands, and kill() spares who left the group", onlyLinux, async () => {
  await using groups = groupsOf();
  const [one, other] = await Promise.all([start(groups, TREES[0]![1]), start(groups, TREES[0]![1])]);

  one.child.kill("SIGTERM");
  await one.child.exited;
  assertEquals(alive(one.pids), one.pids);

  await one.child.killTree();
  assertEquals([alive(one.pids), alive(other.pids)], [[], other.pids]);
});

Deno.test("the mark of an agent around this one stays in front", onlyLinux, async () => {
  await using groups = groupsOf({ [MARK_VARIABLE]: "outer.1" });

  const { child, pids } = await start(groups, "echo $$; echo ready; sleep 600");

  const marks = marksOf(pids[0]!);
  assertEquals([marks.length, marks[0]], [2, "outer.1"]);
  await child.killTree();
});

Deno.test("killTree() names who is still there when time is up", onlyLinux, async () => {
  await using groups = groupsOf();
  const { child, pids } = await start(groups, "echo $$; echo ready; sleep 600");
  const found = livingProcess(pids[0]!);
  assert(found);

  // A start time that is not the process's: its number belongs to a stranger, who is spared.
  const killed = await killTree(() => [{ ...found, startedAt: "0" }], { farewellMs: 0 });

  assertEquals(killed, { found: true, ended: [], survivors: pids });
  assertEquals(alive(pids), pids);
  await child.killTree();
});
