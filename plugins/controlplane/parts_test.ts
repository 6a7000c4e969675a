import { assertEquals, assertThrows } from "@std/assert";

import { expandPath } from "./expand_path.ts";
import { LIFECYCLE_STATES, LifecycleHistory } from "./lifecycle_history.ts";
import { uuidBytes, uuidText } from "./uuid.ts";

Deno.test("expandPath() knows the home directory and variables, and leaves empty paths empty", () => {
  const variables = { HOME: "/home/ada", PROJECT: "site" };
  const cases: Readonly<Record<string, string>> = {
    "": "",
    "~": "/home/ada",
    "~/work": "/home/ada/work",
    "work": "/home/ada/work",
    "/srv/$PROJECT": "/srv/site",
    "${HOME}/${PROJECT}/../x": "/home/ada/x",
    "/a/$NOBODY/b": "/a/b",
    "~other": "/home/ada/~other",
  };

  for (const [path, expected] of Object.entries(cases)) assertEquals(expandPath(path, variables), expected, path);
});

Deno.test("expandPath() gives up without a home directory instead of guessing", () => {
  assertEquals([expandPath("work", {}), expandPath("/abs", {})], ["", "/abs"]);
});

Deno.test("uuidBytes() and uuidText() are each other's inverse; the nil UUID is nobody", () => {
  const text = "01020304-0506-0708-090a-0b0c0d0e0f10";

  assertEquals(uuidText(uuidBytes(text)), text);
  assertEquals(uuidText(new Uint8Array(16)), undefined);
  assertEquals(uuidText(new Uint8Array(3)), undefined);
  assertThrows(() => uuidBytes("nobody"), TypeError, 'Cannot read "nobody" as a UUID');
});

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
