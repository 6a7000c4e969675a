/**
 * What keeps each plugin busy: work that does not end by itself, and that is under way when it is said to be.
 *
 * @module
 */
import { join } from "@std/path";

import type { AgentProcess } from "../agent_process.ts";
import { startXvfb } from "../xvfb.ts";
import { exists, type MarkedAgent, type MarkedAgentOptions, until } from "./marked_agent.ts";

/** Work of one plugin. */
export interface Work extends MarkedAgentOptions {
  /** Resolves when the work is under way. */
  begin(world: MarkedAgent): Promise<void>;
}

/** Makes one plugin busy. */
export interface Busy {
  readonly plugin: string;
  /** What with. */
  readonly by: string;
  /** Says how the agent has to be started. `place` is a directory for files; `held` is released after the agent's end. */
  prepare(place: string, held: AsyncDisposableStack): Work;
  /** What the agent has to say did not finish. Default: nothing. */
  readonly unfinished?: readonly string[];
  /** What the agent has to say went wrong. Default: nothing. */
  readonly errors?: readonly string[];
  /** What the control plane has to have heard at the end. */
  readonly states?: readonly string[];
}

/** Several works as one. */
export function together(works: readonly Work[]): Work {
  const manifests = works.map(({ manifest }) => manifest).filter((manifest) => manifest !== undefined);
  const keys = new Set(manifests.flatMap((manifest) => Object.keys(manifest)));
  return {
    settings: Object.assign({}, ...works.map(({ settings }) => settings)),
    env: Object.assign({}, ...works.map(({ env }) => env)),
    ...(manifests.length > 0 && {
      manifest: Object.fromEntries([...keys].map((key) => [key, manifests.flatMap((manifest) => manifest[key] ?? [])])),
    }),
    async begin(world) {
      for (const work of works) await work.begin(world);
    },
  };
}

/** Goes on until it is killed. Its last word is where it says that it runs, and tells which of them is left over. */
function stubborn(ready: string): string {
  return `trap '' TERM INT HUP; touch '${ready}'; while :; do sleep 0.1; done`;
}

/** A row for each plugin that can be busy, and for each way that matters. */
export const BUSY: readonly Busy[] = [
  {
    plugin: "agentproc",
    by: "a process that ignores signals and has left another one in a session of its own",
    prepare(place) {
      const ready = join(place, "agentproc");
      return {
        async begin({ agent }) {
          await agent.post("/api/v0/processes/start", { command: `setsid sleep 1000 & ${stubborn(ready)}` });
          await until(() => exists(ready));
        },
      };
    },
  },
  {
    plugin: "agentfiles",
    by: "an upload that has stopped half way",
    prepare: (place, held) => ({
      async begin({ agent }) {
        const path = encodeURIComponent(join(place, "upload"));
        const head = [`POST /api/v0/write-file?path=${path} HTTP/1.1`, "host: localhost", "content-length: 1000000"];
        await connect(held, { transport: "unix", path: agent.unix }, `${head.join("\r\n")}\r\n\r\nhalf`);
        // What is to become the file is written beside it.
        await until(() => [...Deno.readDirSync(place)].some(({ name }) => name.includes("upload")));
      },
    }),
    errors: ["agentfiles: drain"],
  },
  {
    plugin: "agentgit",
    by: "a watcher",
    prepare: (_, held) => ({
      begin: ({ agent }) => openWebSocket(agent, held, `/api/v0/git/watch?chat_id=${crypto.randomUUID()}`),
    }),
  },
  {
    plugin: "agentsocket",
    by: "half a message",
    prepare: (_, held) => ({
      begin: async ({ sockets }) =>
        void await connect(held, { transport: "unix", path: join(sockets, "rpc.sock") }, "\x01"),
    }),
  },
  {
    plugin: "boundarylogs",
    by: "half a message",
    prepare: (_, held) => ({
      begin: async ({ sockets }) =>
        void await connect(held, { transport: "unix", path: join(sockets, "boundary.sock") }, "\x09\0"),
    }),
  },
  {
    plugin: "mcp",
    by: "a tool that goes on",
    prepare(place) {
      const ready = join(place, "mcp");
      return {
        async begin({ agent }) {
          const body = { tool_name: "outpost__execute", arguments: { command: stubborn(ready), timeout: "10m" } };
          agent.post("/api/v0/mcp/call-tool", body).catch(() => {}); // Cut by the end.
          await until(() => exists(ready));
        },
      };
    },
    errors: ["mcp: drain"],
  },
  {
    plugin: "terminals",
    by: "a viewer of a program that ignores signals",
    prepare(place, held) {
      const ready = join(place, "terminals");
      return {
        async begin({ agent }) {
          const command = encodeURIComponent(stubborn(ready));
          await openWebSocket(agent, held, `/api/v0/pty?reconnect=${crypto.randomUUID()}&command=${command}`);
          await until(() => exists(ready));
        },
      };
    },
  },
  {
    plugin: "ssh",
    by: "a client that greets and does not log in",
    prepare: (place, held) => ({
      settings: sshSettings(place),
      async begin({ agent }) {
        const connection = await connect(held, addressOf(agent, "ssh"));
        await connection.read(new Uint8Array(1)); // Its greeting; ours never comes.
      },
    }),
  },
  {
    plugin: "x11",
    by: "a program that shows on a client's screen",
    prepare(place, held) {
      // Below the ports that the system hands out, and somewhere else at each run.
      const displayOffset = 2000 + Math.floor(Math.random() * 20_000);
      return {
        settings: {
          ...sshSettings(place),
          "plugins.x11.config.displayOffset": displayOffset,
          "plugins.x11.config.maxPort": 6000 + displayOffset + 1000,
        },
        async begin({ agent }) {
          const screen = held.use(await startXvfb());
          const { hostname, port } = addressOf(agent, "ssh");
          const client = new Deno.Command("ssh", {
            args: [
              ...["-F", "/dev/null", "-p", String(port), "-X", "-o", "StrictHostKeyChecking=no"],
              ...["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityFile=/dev/null", hostname, "exec xclock"],
            ],
            env: { PATH: Deno.env.get("PATH") ?? "", HOME: place, ...screen.env },
            clearEnv: true,
            stdin: "null",
            stdout: "null",
            stderr: "null",
          }).spawn();
          held.defer(async () => void await client.status);
          await until(async () => /^agent_x11_connections 1$/m.test(await (await agent.fetch("/metrics")).text()));
        },
      };
    },
  },
  {
    plugin: "desktop",
    by: "a viewer and a key that is held down",
    prepare: (_, held) => ({
      async begin({ agent }) {
        const act = (body: unknown) => agent.post("/api/v0/desktop/action", body);
        await act({ action: "cursor_position" });
        await openWebSocket(agent, held, "/api/v0/desktop/vnc");
        act({ action: "hold_key", text: "a", duration: 60_000 }).catch(() => {}); // Cut by the end.
        await until(async () => {
          const { viewers, last_action: last } = await (await agent.fetch("/api/v0/desktop/lease")).json();
          return viewers.length === 1 && last?.action === "hold_key";
        });
      },
    }),
  },
  {
    plugin: "scripts",
    by: "a start script that ignores signals",
    prepare(place) {
      const ready = join(place, "start-script");
      return {
        manifest: { scripts: [{ name: "endless", script: stubborn(ready), runOnStart: true }] },
        begin: () => until(() => exists(ready)),
      };
    },
    states: ["starting", "shutting_down", "off"],
  },
  {
    plugin: "scripts",
    by: "a stop script that hangs",
    prepare: (place) => ({
      settings: { "plugins.controlplane.config.stopWorkMs": 500 },
      manifest: { scripts: [{ name: "endless", script: stubborn(join(place, "stop-script")), runOnStop: true }] },
      begin: untilReady,
    }),
    unfinished: ["scripts: drain"],
    states: ["starting", "ready", "shutting_down", "shutdown_timeout"],
  },
  {
    plugin: "scripts",
    by: "a script of its timetable that ignores signals",
    prepare(place) {
      const ready = join(place, "cron-script");
      return {
        manifest: { scripts: [{ name: "endless", script: stubborn(ready), cron: "* * * * * *" }] },
        begin: () => until(() => exists(ready)),
      };
    },
    states: ["starting", "ready", "shutting_down", "off"],
  },
  {
    plugin: "reporting",
    by: "metadata whose command ignores signals",
    prepare(place) {
      const ready = join(place, "metadata");
      return {
        manifest: { metadata: [{ key: "endless", script: stubborn(ready), timeoutSeconds: 1000 }] },
        begin: () => until(() => exists(ready)),
      };
    },
    states: ["starting", "ready", "shutting_down", "off"],
  },
  {
    plugin: "reporting",
    by: "an app that takes its question and does not answer",
    prepare(_, held) {
      const app = silentServer(held);
      const healthcheck = { url: app.url, intervalSeconds: 1, threshold: 1 };
      return {
        manifest: { apps: [{ slug: "silent", url: app.url, healthcheck }] },
        begin: () => app.asked,
      };
    },
    states: ["starting", "ready", "shutting_down", "off"],
  },
  {
    plugin: "controlplane",
    by: "a connection that has gone dead",
    prepare: () => ({
      manifest: { banners: [] },
      async begin(world) {
        await untilReady(world);
        world.cut();
      },
    }),
    states: ["starting", "ready"],
  },
  {
    plugin: "controlplane",
    by: "a control plane that takes a connection and says nothing",
    prepare(_, held) {
      const plane = silentServer(held);
      return {
        env: { CODER_AGENT_URL: plane.url, CODER_AGENT_TOKEN: crypto.randomUUID() },
        begin: () => plane.asked,
      };
    },
  },
  {
    plugin: "dropin",
    by: "half a question to each of its listeners",
    prepare: (_, held) => ({
      settings: {
        "plugins.dropin.enabled": true,
        "plugins.dropin.config.prometheusAddress": "127.0.0.1:0",
        "plugins.dropin.config.debugAddress": "127.0.0.1:0",
      },
      async begin({ agent }) {
        for (const name of ["prometheus", "debug"]) {
          await connect(held, addressOf(agent, name), "GET /metrics HTTP/1.1\r\nhost:");
        }
      },
    }),
  },
];

function sshSettings(place: string): Record<string, unknown> {
  return {
    "plugins.ssh.enabled": true,
    "plugins.ssh.config.allowAnonymous": true,
    "plugins.ssh.config.hostKeyFile": join(place, "host_key"),
  };
}

function untilReady(world: MarkedAgent): Promise<void> {
  return until(async () => (await world.states()).includes("ready"));
}

/** Where a plugin of the agent listens. */
function addressOf(agent: AgentProcess, name: string): { readonly hostname: string; readonly port: number } {
  const { hostname, port } = new URL(`tcp://${String(agent.listening[name]).replace(/^.*\//, "")}`);
  return { hostname, port: Number(port) };
}

/** Takes connections and never answers. */
function silentServer(held: AsyncDisposableStack): { readonly url: string; readonly asked: Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked = Promise.withResolvers<void>();
  async function take(): Promise<void> {
    for await (const connection of listener) {
      held.use(connection);
      await connection.read(new Uint8Array(1));
      asked.resolve();
    }
  }
  const taking = take();
  held.defer(async () => {
    listener.close();
    await taking;
  });
  return { url: `http://127.0.0.1:${listener.addr.port}`, asked: asked.promise };
}

async function connect<Address extends Deno.ConnectOptions | Deno.UnixConnectOptions>(
  held: AsyncDisposableStack,
  address: Address,
  text = "",
): Promise<Deno.Conn> {
  const connection = held.use("path" in address ? await Deno.connect(address) : await Deno.connect(address));
  await connection.write(new TextEncoder().encode(text));
  return connection;
}

async function openWebSocket(agent: AgentProcess, held: AsyncDisposableStack, path: string): Promise<void> {
  const socket = new WebSocket(`${agent.http.replace("http", "ws")}${path}`, {
    headers: { authorization: `Bearer ${agent.token}` },
  });
  const closed = new Promise((resolve) => socket.onclose = resolve);
  held.defer(async () => {
    socket.close();
    await closed;
  });
  const opened = Promise.withResolvers<void>();
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error(`Cannot open ${path}`));
  await opened.promise;
}
