import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import { AgentNotFoundError } from "../errors.ts";
import { findAgent, isAnswered, socketPath } from "./local_agent.ts";

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("socketPath() is the flag's, then the environment's, then the default", () => {
  const env = { XDG_RUNTIME_DIR: "/run/user/1", OUTPOST_SOCKET: "b.sock" };

  assertEquals(socketPath({ env, cwd: "/project", unix: "a.sock" }), "/project/a.sock");
  assertEquals(socketPath({ env, cwd: "/project" }), "/project/b.sock");
  assertEquals(socketPath({ env: { ...env, OUTPOST_SOCKET: "" }, cwd: "/" }), "/run/user/1/outpost/agent.sock");
});

Deno.test("findAgent() talks to the agent over its socket", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "a.sock");
    await using _server = Deno.serve({ path, onListen() {} }, (request) => new Response(new URL(request.url).pathname));

    using agent = await findAgent({ env: {}, cwd: "/", unix: path });

    assertEquals(agent.socketPath, path);
    assertEquals(await (await agent.fetch("/api/v0/info")).text(), "/api/v0/info");
  }));

Deno.test("findAgent() names the socket where nobody answers, also when a dead agent left its file", () =>
  withDirectory(async (directory) => {
    const path = join(directory, "a.sock");
    const find = () => findAgent({ env: {}, cwd: "/", unix: path });

    assertEquals((await assertRejects(find, AgentNotFoundError)).tried, [path]);

    await Deno.writeTextFile(path, "");
    await assertRejects(find, AgentNotFoundError, path);
    assertEquals(await isAnswered(path), false);
  }));
