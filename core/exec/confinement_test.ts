import { assertEquals } from "@std/assert";

import type { ExitStatus } from "../plugin.ts";
import { CommandCgroups } from "./command_cgroup.ts";
import { Confinement } from "./confinement.ts";

const KILLED: ExitStatus = { code: null, signal: "SIGKILL" };
const noGroups = new CommandCgroups({ facts: () => undefined });

/** On a machine without groups, where the kernel's count of kills rises as told. */
function confinement(rose: boolean, limits = {}): Confinement {
  return new Confinement({ limits, cgroups: noGroups, evidence: { begin() {}, rose: () => rose } });
}

Deno.test("a command killed by SIGKILL while the kernel ran out of memory is concluded to have been its victim", () => {
  const { concluded, script, enforcement } = confinement(true).confine(undefined);

  assertEquals([script, enforcement], [undefined, undefined]);
  assertEquals(concluded(KILLED, false), { ...KILLED, oom: true });
});

Deno.test("a shell that reports SIGKILL of what it ran is concluded to have seen a victim", () => {
  const status = { code: 137, signal: null };

  assertEquals(confinement(true).confine(undefined).concluded(status, false), { ...status, oom: true });
});

Deno.test("a command is no victim that was killed from here, or ended otherwise, or while no kill was counted", () => {
  assertEquals(confinement(true).confine(undefined).concluded(KILLED, true), KILLED);
  assertEquals(confinement(true).confine(undefined).concluded({ code: 1, signal: null }, false), {
    code: 1,
    signal: null,
  });
  assertEquals(confinement(false).confine(undefined).concluded(KILLED, false), KILLED);
});

Deno.test("limits without groups fall back on the shell's, and processor time on nothing", () => {
  const { enforcement, script } = confinement(false).confine({ memoryBytes: 2048, cpus: 1, openFiles: 32 });

  assertEquals(enforcement, { memory: "rlimit", cpu: "none", openFiles: "rlimit" });
  assertEquals(script?.match(/ulimit -\w \d+/g), ["ulimit -v 2", "ulimit -n 32"]);
});

Deno.test("a request can tighten the configured limits and not loosen them", () => {
  const confined = confinement(false, { openFiles: 32, memoryBytes: 4096 }).confine({
    openFiles: 64,
    memoryBytes: 2048,
  });

  assertEquals(confined.script?.match(/ulimit -\w \d+/g), ["ulimit -v 2", "ulimit -n 32"]);
});
