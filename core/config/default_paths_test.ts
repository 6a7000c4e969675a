import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import {
  defaultAgentSocketPath,
  defaultSocketPath,
  defaultTokenFile,
  ensurePrivateDirectory,
} from "./default_paths.ts";

const nowhere = { uid: 1000, isDirectory: () => false };

Deno.test("defaultSocketPath() is in the runtime directory of the session", () => {
  const env = { XDG_RUNTIME_DIR: "/run/user/7" };

  assertEquals(defaultSocketPath({ ...nowhere, env }), "/run/user/7/outpost/agent.sock");
  assertEquals(defaultTokenFile({ ...nowhere, env }), "/run/user/7/outpost/token");
});

Deno.test("defaultSocketPath() finds the runtime directory of the user when the session does not name it", () => {
  const facts = { env: {}, uid: 1000, isDirectory: (path: string) => path === "/run/user/1000" };

  assertEquals(defaultSocketPath(facts), "/run/user/1000/outpost/agent.sock");
});

Deno.test("defaultSocketPath() falls back to a directory per user in /tmp, also for a relative XDG_RUNTIME_DIR", () => {
  assertEquals(defaultSocketPath({ ...nowhere, env: {} }), "/tmp/outpost-1000/agent.sock");
  assertEquals(defaultSocketPath({ ...nowhere, env: { XDG_RUNTIME_DIR: "run" } }), "/tmp/outpost-1000/agent.sock");
});

async function inTemporaryDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function modeOf(path: string): Promise<string> {
  return ((await Deno.stat(path)).mode! & 0o777).toString(8);
}

Deno.test("ensurePrivateDirectory() makes a directory nobody else may enter, and tightens its own", () =>
  inTemporaryDirectory(async (directory) => {
    const path = join(directory, "outpost");

    await ensurePrivateDirectory(path, Deno.uid());
    assertEquals(await modeOf(path), "700");

    await Deno.chmod(path, 0o755);
    await ensurePrivateDirectory(path, Deno.uid());
    assertEquals(await modeOf(path), "700");
  }));

Deno.test("ensurePrivateDirectory() refuses directories others own or may write to, and links", () =>
  inTemporaryDirectory(async (directory) => {
    const [mine, open, link] = ["mine", "open", "link"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await Deno.mkdir(mine);
    await Deno.mkdir(open);
    await Deno.chmod(open, 0o777);
    await Deno.symlink(mine, link);

    await assertRejects(() => ensurePrivateDirectory(mine, Deno.uid()! + 1), Error, "it belongs to user");
    await assertRejects(() => ensurePrivateDirectory(open, Deno.uid()), Error, "others may write to it");
    await assertRejects(() => ensurePrivateDirectory(link, Deno.uid()), Error);
  }));

Deno.test("defaultAgentSocketPath() is private, and the reference's in an agent that was started like it", () => {
  const at = (env: Record<string, string>) =>
    defaultAgentSocketPath({ env: { XDG_RUNTIME_DIR: "/run", ...env }, uid: 1 });

  assertEquals(at({}), "/run/outpost/rpc.sock");
  assertEquals(at({ CODER_AGENT_URL: "https://coder.example" }), "/tmp/coder-agent.sock");
  assertEquals(at({ CODER_AGENT_URL: "https://coder.example", CODER_AGENT_SOCKET_PATH: "/x.sock" }), "/x.sock");
  assertEquals(at({ CODER_AGENT_SOCKET_SERVER_ENABLED: "false" }), null);
});
