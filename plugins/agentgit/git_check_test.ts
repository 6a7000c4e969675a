import { assertEquals, assertMatch } from "@std/assert";

import { checkGit } from "./git_check.ts";

Deno.test("checkGit() finds git in PATH, and says how to mend it when it is not there", async () => {
  assertEquals((await checkGit({ env: { PATH: Deno.env.get("PATH")! } })).status, "ok");

  const { status, mend } = await checkGit({ env: { PATH: "/missing" } });
  assertEquals(status, "warning");
  assertMatch(mend!, /install git/);
});
