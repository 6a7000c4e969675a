import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { CommandCgroups } from "./command_cgroup.ts";

/** A directory that stands for a group of version 2 in which the kernel has already made what a new group holds. */
async function withGroup(
  controllers: string,
  use: (group: { directory: string; command: string; cgroups: CommandCgroups }) => void,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const command = join(directory, "c-1");
  try {
    await Deno.mkdir(command);
    for (const file of ["memory.max", "memory.swap.max", "cpu.max", "cgroup.procs"]) {
      await Deno.writeTextFile(join(command, file), "");
    }
    await Deno.writeTextFile(join(directory, "cgroup.subtree_control"), controllers);
    await Deno.writeTextFile(join(directory, "cgroup.controllers"), controllers);
    const facts = () => ({ membership: "0::/", mounts: `1 1 0:1 / ${directory} rw - cgroup2 cgroup2 rw` });
    use({ directory, command, cgroups: new CommandCgroups({ facts, prefix: "c" }) });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("CommandCgroups.make() limits memory and processor time in one group of version 2, and swaps nothing out", () =>
  withGroup("cpu memory pids", ({ command, cgroups }) => {
    const group = cgroups.make({ memoryBytes: 1000, cpus: 0.5 })!;

    const read = (file: string) => Deno.readTextFileSync(join(command, file));
    assertEquals(group.enforced, { memory: "cgroup2", cpu: "cgroup2" });
    assertEquals(group.joins, [join(command, "cgroup.procs")]);
    assertEquals([read("memory.max"), read("memory.swap.max"), read("cpu.max")], ["1000", "0", "50000 100000"]);
  }));

Deno.test("CommandCgroups.make() says what it can enforce where a controller is missing", () =>
  withGroup("memory", ({ cgroups }) => {
    assertEquals(cgroups.make({ memoryBytes: 1000, cpus: 1 })?.enforced, { memory: "cgroup2" });
    assertEquals(cgroups.make({ cpus: 1 }), undefined);
  }));

Deno.test("CommandCgroups.make() makes groups beside the one that an agent before it moved its processes to", () =>
  withGroup("cpu memory", ({ directory, command }) => {
    Deno.mkdirSync(join(directory, "outpost"));
    Deno.writeTextFileSync(join(directory, "outpost", "cgroup.controllers"), "cpu memory");
    const facts = () => ({ membership: "0::/outpost", mounts: `1 1 0:1 / ${directory} rw - cgroup2 cgroup2 rw` });

    const group = new CommandCgroups({ facts, prefix: "c" }).make({ memoryBytes: 1000, cpus: 1 });

    assertEquals(group?.enforced, { memory: "cgroup2", cpu: "cgroup2" });
    assertEquals(group?.joins, [join(command, "cgroup.procs")]);
  }));

Deno.test("a command's group tells whether the kernel killed in there for want of memory", () =>
  withGroup("memory", ({ command, cgroups }) => {
    const group = cgroups.make({ memoryBytes: 1000 })!;
    const events = join(command, "memory.events");

    assertEquals(group.ranOutOfMemory(), false);
    Deno.writeTextFileSync(events, "low 0\nmax 12\noom 1\noom_kill 0\n");
    assertEquals(group.ranOutOfMemory(), false);
    Deno.writeTextFileSync(events, "low 0\nmax 12\noom 1\noom_kill 2\n");
    assertEquals(group.ranOutOfMemory(), true);
  }));

Deno.test("CommandCgroups.make() makes nothing where groups cannot be written, and does not throw", () => {
  const facts = () => ({ membership: "0::/", mounts: "1 1 0:1 / /nonexistent rw - cgroup2 cgroup2 rw" });

  assertEquals(new CommandCgroups({ facts }).make({ memoryBytes: 1000 }), undefined);
  assertEquals(new CommandCgroups({ facts: () => undefined }).usable(), {});
});
