import { assertEquals } from "@std/assert";

import { supervisionAsked } from "./supervision.ts";

const process = (pid: number, os: typeof Deno.build.os = "linux") => ({ pid, os });

Deno.test("supervisionAsked() wants a parent for a start as process 1, on Linux", () => {
  assertEquals(supervisionAsked(["start"], process(1)), { isInit: true, restart: false });
  assertEquals(supervisionAsked(["start"], process(1, "darwin")), undefined);
  assertEquals(supervisionAsked(["start", "--dir", "/"], process(7)), undefined);
});

Deno.test("supervisionAsked() wants one elsewhere when a flag asks for it", () => {
  assertEquals(supervisionAsked(["start", "--reaper"], process(7)), { isInit: false, restart: false });
  assertEquals(supervisionAsked(["start", "--dir", "/", "--restart"], process(7)), { isInit: false, restart: true });
});

Deno.test("supervisionAsked() wants none against --no-reap, for help, and for commands that end by themselves", () => {
  assertEquals(supervisionAsked(["start", "--no-reap", "--restart"], process(1)), undefined);
  assertEquals(supervisionAsked(["start", "--help"], process(1)), undefined);
  assertEquals(supervisionAsked(["exec", "--", "start"], process(1)), undefined);
  assertEquals(supervisionAsked([], process(1)), undefined);
});

Deno.test("supervisionAsked() takes no word behind -- for a flag", () => {
  assertEquals(supervisionAsked(["start", "--", "--reaper"], process(7)), undefined);
});
