import { assertEquals } from "@std/assert";

import { nearestName, suggestion } from "./suggestion.ts";

Deno.test("nearestName() finds what was meant", () => {
  assertEquals(nearestName("agentprok", ["agentfiles", "agentproc"]), "agentproc");
  assertEquals(nearestName("Listen", ["listen"]), "listen");
  assertEquals(nearestName("tpc", ["tcp", "unix"]), "tcp");
});

Deno.test("nearestName() stays silent when nothing is near", () => {
  assertEquals(nearestName("zebra", ["agentfiles"]), undefined);
  assertEquals(nearestName("zebra", []), undefined);
});

Deno.test("suggestion() is empty or a question", () => {
  assertEquals(suggestion("portt", ["port"]), ' (did you mean "port"?)');
  assertEquals(suggestion("zebra", ["port"]), "");
});
