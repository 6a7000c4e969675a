/**
 * What children find in their environment when a control plane has told of the workspace: each source and each variable, in the order of
 * Coder's agent.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

import { definePlugin, type Env } from "../core/plugin.ts";
import { Agent } from "../core/proto/gen/agent_pb.ts";
import { TestControlPlane } from "../core/testing/control_plane.ts";
import { createTestAgent, type TestAgentOptions } from "../core/testing/test_agent.ts";
import { uuidBytes } from "../core/uuid.ts";
import controlplane from "../plugins/controlplane/mod.ts";

const WORKSPACE = "11020304-0506-0708-090a-0b0c0d0e0f10";
const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const bytes = (text: string) => new TextEncoder().encode(text);

interface Setting {
  readonly manifest?: Record<string, unknown>;
  readonly config?: Record<string, unknown>;
  readonly env?: Record<string, string>;
}

/** Runs `test` with the environment's builder, once the manifest has come. */
async function withEnvironment({ manifest, config, env }: Setting, test: (env: Env) => Promise<void>): Promise<void> {
  const controlPlane = new TestControlPlane().serve(Agent, {
    getManifest: () => ({
      agentId: uuidBytes("01020304-0506-0708-090a-0b0c0d0e0f10"),
      ...{ agentName: "main", workspaceName: "dev", ownerUsername: "ada", workspaceId: uuidBytes(WORKSPACE) },
      ...manifest,
    }),
    updateStartup: () => ({}),
    updateLifecycle: () => ({}),
    getAnnouncementBanners: () => ({}),
  });
  let builder: Env | undefined;
  const building = definePlugin({
    ...{ id: "building", version: "1.0.0", api: 1, summary: "Builds.", stability: "stable" },
    setup: (ctx) => void (builder = ctx.env),
  });
  const options: TestAgentOptions = {
    plugins: [controlplane, building],
    controlPlane,
    config: { controlplane: config },
    agent: { scriptDataDir: "/data" },
    env: { PATH: "/usr/bin:/bin", HOME: "/home/ada", ...env },
  };
  await using _ = await createTestAgent(options);
  await controlPlane.untilCalled("UpdateLifecycle");
  await test(builder!);
}

Deno.test("session variables are kept where nobody else has a say, and lose to built-in ones and to the manifest", () =>
  withEnvironment({ manifest: { environmentVariables: { BOTH: "manifest" } } }, async (env) => {
    const built = await env.build({ base: { ONLY: "session", BOTH: "session", CODER: "session", "NO NAME=": "x" } });

    assertEquals([built.ONLY, built.BOTH, built.CODER, built["NO NAME="]], ["session", "manifest", "true", undefined]);
  }));

Deno.test("every built-in variable has its value", () =>
  withEnvironment({ config: { exposeToken: true } }, async (env) => {
    const built = await env.build();

    const expected = {
      CODER: "true",
      CODER_WORKSPACE_NAME: "dev",
      CODER_WORKSPACE_AGENT_NAME: "main",
      CODER_WORKSPACE_OWNER_NAME: "ada",
      CODER_WORKSPACE_ID: WORKSPACE,
      CODER_AGENT_TOKEN: TOKEN,
      GIT_SSH_COMMAND: "/usr/bin/outpost gitssh --",
      CS_DISABLE_GETTING_STARTED_OVERRIDE: "true",
      GIT_ASKPASS: "/usr/bin/outpost",
    };
    assertEquals(Object.fromEntries(Object.keys(expected).map((name) => [name, built[name]])), expected);
    assertEquals(built.VSCODE_PROXY_URI, undefined);
  }));

Deno.test("the port proxy's address is there when the manifest has one", () =>
  withEnvironment({ manifest: { vsCodePortProxyUri: "https://{{port}}--dev.example" } }, async (env) => {
    assertEquals((await env.build()).VSCODE_PROXY_URI, "https://{{port}}--dev.example");
  }));

Deno.test("the token is there only where it is asked for, wherever the agent has it from", () =>
  withEnvironment({ env: { CODER_AGENT_TOKEN: TOKEN, CODER_AGENT_URL: "https://coder.example" } }, async (env) => {
    const built = await env.build();

    assertEquals([built.CODER_AGENT_TOKEN, built.CODER_AGENT_URL], [undefined, "https://coder.example"]);
  }));

Deno.test("values of the manifest are expanded against the agent's own variables, and by nothing else", () =>
  withEnvironment({
    env: { OWN: "mine" },
    manifest: {
      environmentVariables: {
        A: "$OWN-${OWN}",
        B: "[$UNKNOWN]",
        C: "$SESSION",
        D: "$CODER",
        E: "$CODER_AGENT_TOKEN",
        F: "$A",
      },
    },
    config: { exposeToken: true },
  }, async (env) => {
    const { A, B, C, D, E, F } = await env.build({ base: { SESSION: "session" } });

    assertEquals({ A, B, C, D, E, F }, { A: "mine-mine", B: "[]", C: "", D: "", E: "", F: "" });
  }));

Deno.test("secrets beat the manifest and are taken as they are; the agent's own askpass beats both; a request beats all", () =>
  withEnvironment({
    manifest: {
      environmentVariables: { KEY: "manifest", GIT_ASKPASS: "manifest", CODER: "manifest" },
      secrets: [
        { envName: "KEY", filePath: "", value: bytes("$HOME") },
        { envName: "GIT_ASKPASS", filePath: "", value: bytes("secret") },
      ],
    },
  }, async (env) => {
    const built = await env.build();
    const requested = await env.build({ overrides: { KEY: "request", GIT_ASKPASS: "request" } });

    assertEquals([built.KEY, built.GIT_ASKPASS, built.CODER], ["$HOME", "/usr/bin/outpost", "manifest"]);
    assertEquals([requested.KEY, requested.GIT_ASKPASS], ["request", "request"]);
  }));

Deno.test("PATH has scripts' programs in front and the agent's own directory at the end, whoever set it", async () => {
  const pathOf = async (setting: Setting, base: Record<string, string> = {}) => {
    let path = "";
    await withEnvironment(setting, async (env) => void (path = (await env.build({ base })).PATH ?? ""));
    return path;
  };
  const own = "/data/coder-script-data/bin:";

  // The last directory is there already: it is where the agent's own program is.
  assertEquals(await pathOf({}), `${own}/usr/bin:/bin`);
  assertEquals(await pathOf({ env: { PATH: "/bin" } }), `${own}/bin:/usr/bin`);
  assertEquals(await pathOf({}, { PATH: "/session" }), `${own}/session:/usr/bin`);
  const manifest = { environmentVariables: { PATH: "/manifest:$PATH" } };
  assertEquals(
    await pathOf({ manifest, env: { PATH: "/bin" } }, { PATH: "/session" }),
    `${own}/manifest:/bin:/usr/bin`,
  );
  assert((await pathOf({ env: { PATH: "" } })).startsWith(`${own}/usr/local/sbin:`));
});

Deno.test("without a manifest children get the agent's variables, and no word of a workspace", async () => {
  let builder: Env | undefined;
  const building = definePlugin({
    ...{ id: "building", version: "1.0.0", api: 1, summary: "Builds.", stability: "stable" },
    setup: (ctx) => void (builder = ctx.env),
  });
  await using _ = await createTestAgent({ plugins: [controlplane, building], env: { PATH: "/bin", MINE: "yes" } });

  const built = await builder!.build();

  assertEquals([built.MINE, built.CODER, built.GIT_ASKPASS], ["yes", undefined, undefined]);
});
