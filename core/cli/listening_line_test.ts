import { assertEquals, assertStringIncludes } from "@std/assert";

import { describeListening, listeningEvent, type ListeningFacts } from "./listening_line.ts";

const facts: ListeningFacts = {
  program: { build: { name: "outpost", version: "1.2.3" }, plugins: [], invocation: "outpost" },
  addresses: { http: "http://127.0.0.1:4000", unix: "/run/user/1/outpost/agent.sock", ssh: "127.0.0.1:2222" },
  tokenFile: "/run/user/1/outpost/agent.token",
  plugins: [{ id: "agentproc", state: "running" }, { id: "git", state: "degraded" }, {
    id: "desktop",
    state: "failed",
  }],
  env: { XDG_RUNTIME_DIR: "/run/user/1" },
};

function hintOf(change: Partial<ListeningFacts>): string {
  return describeListening({ ...facts, ...change }).split("\n")[1]!;
}

Deno.test("describeListening() is one line with addresses, token file and plugins, and one with a hint", () => {
  assertEquals(
    describeListening(facts),
    "outpost 1.2.3 listens: http://127.0.0.1:4000; socket /run/user/1/outpost/agent.sock; ssh 127.0.0.1:2222; " +
      "token in /run/user/1/outpost/agent.token; plugins: agentproc, git; failed: desktop\n" +
      "Try: outpost exec -- uname -a   or in a browser: outpost open\n",
  );
});

Deno.test("describeListening() hints at the socket where commands would not find it", () => {
  assertEquals(hintOf({ addresses: { unix: "/tmp/a.sock" } }), "Try: outpost exec --unix /tmp/a.sock -- uname -a");
});

Deno.test("describeListening() hints at nothing that is not there", () => {
  assertStringIncludes(hintOf({ plugins: [] }), "Try: outpost plugins ");
  assertStringIncludes(hintOf({ addresses: { http: "http://[::1]:1" } }), 'curl -H "Authorization: Bearer $(cat /run/');
  assertStringIncludes(hintOf({ addresses: {} }), "listens nowhere");
});

Deno.test("listeningEvent() names every address, and lets no announced one hide the agent's own members", () => {
  const event = listeningEvent({ ...facts, addresses: { ...facts.addresses, event: "x", token_file: "y" } });

  assertEquals(event.event, "listening");
  assertEquals(event.http, "http://127.0.0.1:4000");
  assertEquals(event.ssh, "127.0.0.1:2222");
  assertEquals(event.token_file, facts.tokenFile);
  assertEquals(event.plugins, ["agentproc", "git"]);
  assertEquals(event.failed, ["desktop"]);
});
