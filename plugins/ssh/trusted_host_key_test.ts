import { assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";

import { definePlugin } from "../../core/plugin.ts";
import { createTestAgent, fake, type TestAgent, TestControlPlane } from "../../core/testing/mod.ts";
import { type Manifest, ManifestFeed } from "../controlplane/service.ts";
import { derivedHostKey, hostKeySeed } from "./host_key.ts";
import ssh from "./mod.ts";
import { loadSsh2, publicKeyOf } from "./transport/ssh2_library.ts";

const NAMES = { ownerName: "ada", workspaceName: "dev", agentName: "main" } as Manifest;
const DERIVED = publicKeyOf(
  await loadSsh2(),
  derivedHostKey(hostKeySeed({ owner: "ada", workspace: "dev", agent: "main" })),
);

/** A feed that tells the names when it is told to. */
function manifests() {
  const told = Promise.withResolvers<void>();
  const feed = fake(ManifestFeed, {
    async *watch(signal: AbortSignal) {
      const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      await Promise.race([told.promise, ended]);
      if (signal.aborted) return;
      yield NAMES;
      await ended;
    },
  });
  return { feed, tell: () => told.resolve() };
}

interface World {
  readonly directory: string;
  /** An agent with its key files in the directory; with a control plane, one that is connected. */
  start(feed: ReturnType<typeof fake> | undefined, controlPlane?: TestControlPlane): Promise<TestAgent>;
}

async function inDirectory(fn: (world: World) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await fn({
      directory,
      async start(feed, controlPlane) {
        const connected = Promise.withResolvers<void>();
        // Its work begins after that of the plugins in front of it.
        const last = definePlugin({
          ...{ id: "last", version: "1.0.0", api: 1, stability: "stable", summary: "Sees the connection last." },
          setup: (ctx) => ctx.rpc.whileConnected("see", () => Promise.resolve(connected.resolve())),
        });
        const agent = await createTestAgent({
          plugins: [ssh, last],
          config: { ssh: { listen: null, hostKeyFile: join(directory, "key") } },
          services: feed === undefined ? [] : [feed],
          controlPlane,
        });
        if (controlPlane !== undefined) await connected.promise;
        return agent;
      },
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const keyOf = async (agent: TestAgent) => (await (await agent.get("/api/v0/ssh/host-key")).json()).host_key as string;

Deno.test("without a control plane the key is the one that was made at random", () =>
  inDirectory(async ({ directory, start }) => {
    await using agent = await start(undefined);

    const key = await keyOf(agent);

    assertEquals(key, publicKeyOf(await loadSsh2(), await Deno.readTextFile(join(directory, "key"))));
    assertNotEquals(key, DERIVED);
  }));

Deno.test("with names the key is derived, and stays so while the control plane is away", () =>
  inDirectory(async ({ directory, start }) => {
    const { feed, tell } = manifests();
    {
      await using agent = await start(feed);
      tell();
      while (await keyOf(agent) !== DERIVED) await new Promise((resolve) => setImmediate(resolve));
    }
    assertEquals((await Deno.stat(join(directory, "key.seed"))).mode! & 0o777, 0o600);

    await using agent = await start(manifests().feed);

    assertEquals(await keyOf(agent), DERIVED);
  }));

Deno.test("a client that comes before the names waits for them, for 10 s", () =>
  inDirectory(async ({ start }) => {
    {
      const { feed, tell } = manifests();
      // Its end waits until the seed is kept.
      await using agent = await start(feed, new TestControlPlane());
      const asked = keyOf(agent);
      await agent.clock.untilSleeping();
      tell();
      assertEquals(await asked, DERIVED);
    }

    await using silent = await start(manifests().feed, new TestControlPlane());
    const early = keyOf(silent);
    await silent.clock.untilSleeping();
    await silent.clock.advance(10_000);
    assertEquals(await early, DERIVED);
  }));
