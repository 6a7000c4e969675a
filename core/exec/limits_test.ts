/**
 * Limits on real commands, with whatever this machine enforces them.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";

import { SpawnError } from "../errors.ts";
import type { Child, ExitStatus, SpawnOptions } from "../plugin.ts";
import { CommandCgroups } from "./command_cgroup.ts";
import { readOutput } from "./output_reader.ts";
import type { ProcessGroups } from "./process_groups.ts";
import { Spawner, type SpawnerOptions } from "./spawner.ts";

const PATH = Deno.env.get("PATH") ?? "/usr/bin:/bin";
const MEBIBYTE = 1024 * 1024;
const onlyLinux = { ignore: Deno.build.os !== "linux" };
/** Holds 300 MiB in one process. */
const HUNGRY = "head -c 300M /dev/zero | tail | wc -c";

function groupsOf(options: Partial<SpawnerOptions> = {}): ProcessGroups {
  const spawner = new Spawner({ processEnv: { HOME: "/", PATH }, ...options });
  return spawner.scope("test", { build: () => Promise.resolve({ PATH }) });
}

interface Ran {
  readonly child: Child;
  readonly status: ExitStatus;
  readonly text: string;
}

async function run(groups: ProcessGroups, options: SpawnOptions): Promise<Ran> {
  let text = "";
  const decoder = new TextDecoder();
  const child = await groups.spawn(options);
  const reading = readOutput(child, { output: (chunk) => text += decoder.decode(chunk) });
  const status = await reading.settled;
  await reading.cancel();
  return { child, status, text };
}

Deno.test({
  ...onlyLinux,
  name: "spawn() limits open files, and leaves a command without limits alone",
  async fn() {
    await using groups = groupsOf();

    const limited = await run(groups, { command: "ulimit -n", limits: { openFiles: 33 } });
    assertEquals([limited.text, limited.child.limits], ["33\n", { openFiles: "rlimit" }]);

    const free = await run(groups, { command: ["sh", "-c", "ulimit -n"] });
    assert(free.text !== "33\n");
    assertEquals(free.child.limits, undefined);
  },
});

Deno.test({
  ...onlyLinux,
  name: "spawn() holds a command with all it starts to its memory, and says how it ended",
  async fn() {
    await using groups = groupsOf();

    const { child, status, text } = await run(groups, { command: HUNGRY, limits: { memoryBytes: 64 * MEBIBYTE } });

    assert(!text.includes(String(300 * MEBIBYTE)), text);
    // In a group the kernel kills and says so; an address space that is full makes the allocation fail instead.
    assertEquals(status.oom, child.limits?.memory === "rlimit" ? undefined : true);
  },
});

Deno.test({
  ...onlyLinux,
  name: "spawn() limits memory in a control group where one can be made, and takes the group away again",
  async fn() {
    const usable = new CommandCgroups().usable();
    await using groups = groupsOf();

    const { child, text } = await run(groups, {
      command: "cat /proc/self/cgroup; ulimit -v",
      limits: { memoryBytes: 64 * MEBIBYTE, cpus: 0.5 },
    });

    assertEquals(child.limits, { memory: usable.memory ?? "rlimit", cpu: usable.cpu ?? "none" });
    assertEquals(text.includes("/outpost-"), usable.memory !== undefined || usable.cpu !== undefined);
    assertEquals(text.includes("unlimited"), usable.memory !== undefined);
    const group = /\/outpost-[^/\n]*$/m.exec(text)?.[0];
    if (group !== undefined) {
      const left = await new Deno.Command("find", { args: ["/sys/fs/cgroup", "-path", `*${group}`] }).output();
      assertEquals(new TextDecoder().decode(left.stdout), "");
    }
  },
});

Deno.test({
  ...onlyLinux,
  name: "spawn() limits a command on a terminal, too, and beside nice value and OOM score",
  async fn() {
    await using groups = groupsOf({ priority: { nice: 7, oomScore: 500 }, limits: { openFiles: 44 } });

    const { text } = await run(groups, {
      command: "ulimit -n; nice; cat /proc/self/oom_score_adj",
      pty: { cols: 80, rows: 24 },
    });

    assertEquals(text.trim().split("\r\n"), ["44", "7", "500"]);
  },
});

Deno.test({
  ...onlyLinux,
  name: "spawn() takes the group of a command away that could not be started",
  async fn() {
    await using groups = groupsOf();
    const count = async () => {
      const { stdout } = await new Deno.Command("find", {
        args: ["/sys/fs/cgroup", "-path", `*/outpost-${Deno.pid}-*`, "-type", "d"],
      }).output();
      return new TextDecoder().decode(stdout);
    };

    await assertRejects(
      () => groups.spawn({ command: ["/nonexistent"], limits: { memoryBytes: 64 * MEBIBYTE } }),
      SpawnError,
    );

    assertEquals(await count(), "");
  },
});

Deno.test({
  ...onlyLinux,
  name: "killTree() of a limited command leaves no group behind, although a descendant outlived its parent",
  async fn() {
    const groups = groupsOf();
    const { child } = await run(groups, {
      command: "setsid sleep 1000 >/dev/null 2>&1 & sleep 0",
      limits: { memoryBytes: 64 * MEBIBYTE },
    });
    assert((await child.killTree()).ended.length > 0);

    await groups.close();

    const { stdout } = await new Deno.Command("find", {
      args: ["/sys/fs/cgroup", "-path", `*/outpost-${Deno.pid}-*`, "-type", "d"],
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "");
  },
});
