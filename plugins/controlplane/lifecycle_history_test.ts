import { assertEquals } from "@std/assert";

import { LIFECYCLE_STATES, LifecycleHistory } from "./lifecycle_history.ts";

Deno.test("LifecycleHistory.enter() refuses every state that is not later than the present one", () => {
  for (const from of LIFECYCLE_STATES.slice(1)) {
    for (const to of LIFECYCLE_STATES) {
      const history = new LifecycleHistory();
      history.enter(from, 0);

      assertEquals(
        history.enter(to, 1),
        LIFECYCLE_STATES.indexOf(to) > LIFECYCLE_STATES.indexOf(from),
        `${from} ${to}`,
      );
    }
  }
});

Deno.test("LifecycleHistory.unsent keeps the time a state was entered, and each state until it arrived", () => {
  const history = new LifecycleHistory();
  history.enter("starting", 10);
  history.enter("ready", 20);

  assertEquals(history.unsent, { state: "starting", changedAtMs: 10 });
  assertEquals(history.unsent, { state: "starting", changedAtMs: 10 });
  history.arrived();
  assertEquals(history.unsent, { state: "ready", changedAtMs: 20 });
  history.arrived();
  assertEquals(history.unsent, undefined);
});
