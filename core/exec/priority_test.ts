import { assertEquals } from "@std/assert";

import { childPriority, type Priority } from "./priority.ts";

const own = (nice: number, oomScore: number) => (): Priority => ({ nice, oomScore });

Deno.test("childPriority() changes nothing unless the setting is present", () => {
  assertEquals(childPriority({ CODER_PROC_NICE_SCORE: "3" }, {}, own(0, 0)), undefined);
});

Deno.test("childPriority() takes the setting's presence as consent, whatever its value", () => {
  assertEquals(childPriority({ CODER_PROC_PRIO_MGMT: "" }, {}, own(0, 0)), { nice: 5, oomScore: 998 });
});

Deno.test("childPriority() takes the values given and ignores what is no integer", () => {
  const told = { CODER_PROC_PRIO_MGMT: "1", CODER_PROC_NICE_SCORE: "-3", CODER_PROC_OOM_SCORE: "much" };

  assertEquals(childPriority(told, {}, own(0, 0)), { nice: -3, oomScore: 998 });
});

Deno.test("childPriority() steps down from the agent's own values, within what the kernel allows", () => {
  const of = (nice: number, oomScore: number) => childPriority({ CODER_PROC_PRIO_MGMT: "1" }, {}, own(nice, oomScore));

  assertEquals(of(17, -1), { nice: 19, oomScore: 0 });
  assertEquals(of(2, 997), { nice: 7, oomScore: 998 });
  assertEquals(of(2, 998), { nice: 7, oomScore: 1000 });
});

Deno.test("childPriority() does nothing where the agent's own values are unknown", () => {
  assertEquals(childPriority({ CODER_PROC_PRIO_MGMT: "1" }, {}, () => undefined), undefined);
});

Deno.test("childPriority() lets the configuration win, and needs no variable for it", () => {
  assertEquals(childPriority({}, { nice: 7 }, own(0, 0)), { nice: 7 });
  assertEquals(childPriority({ CODER_PROC_PRIO_MGMT: "1", CODER_PROC_OOM_SCORE: "5" }, { oomScore: 900 }, own(0, 0)), {
    nice: 5,
    oomScore: 900,
  });
});
