/**
 * The agent's process is stopped for a minute, as a debugger, a paused machine or a frozen container does it, and then goes on. Its
 * clocks are moved by that minute meanwhile, so that nobody has to wait for it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { TextLineStream } from "@std/streams";

import { startMarked, until } from "./marked_agent.ts";
import {
  assertEndsWell,
  connectionOf,
  inDirectory,
  LIBRARY,
  movableClocks,
  openSocket,
  stopFor,
} from "./stopped_agent.ts";

const RECEIVER = fromFileUrl(import.meta.resolve("../fixtures/notify_receiver.ts"));
const MINUTE_S = 60;
/** What goes on after the minute has to have done so in this time, in milliseconds: far less than the periods that it is about. */
const AT_ONCE_MS = 15_000;
/** The agent asks its control plane for a sign of life twice a minute, and waits for it, in seconds. */
const SIGN_OF_LIFE_S = 30 + 10;

/** Ticks once a second, and leaves a byte each time. */
const TICKING = (file: string) =>
  `export default {
  id: "ticking", version: "1.0.0", api: 1, stability: "stable", summary: "Ticks.",
  setup(ctx) { ctx.tasks.every("tick", 1000, () => Deno.writeTextFileSync(${
    JSON.stringify(file)
  }, ".", { append: true })); },
};`;

Deno.test({
  name: "outpost start goes on after a minute in which it was stopped: nothing is cut, and nothing is made up for",
  ignore: LIBRARY === undefined && Deno.env.get("CI") !== "true",
  fn: () =>
    inDirectory(async (directory) => {
      const file = {
        ticks: join(directory, "ticks"),
        time: join(directory, "time"),
        notify: join(directory, "notify.sock"),
      };
      await Deno.writeTextFile(join(directory, "ticking.ts"), TICKING(file.ticks));
      await Deno.writeTextFile(file.time, "+0");
      await using manager = await startManager(file.notify);
      await using world = await startMarked({
        settings: { "plugins.ticking": { from: join(directory, "ticking.ts") } },
        manifest: { directory: "" },
        env: {
          ...movableClocks(file.time),
          ...{ NOTIFY_SOCKET: file.notify, WATCHDOG_USEC: String(2 * MINUTE_S * 1_000_000) },
        },
      });
      const { agent } = world;
      const ticks = async () => (await Deno.readTextFile(file.ticks).catch(() => "")).length;
      await until(async () => (await world.states()).includes("ready"));
      const chat = crypto.randomUUID();
      const inChat = (command: string) =>
        drained(agent.fetch("/api/v0/processes/start", {
          method: "POST",
          headers: { "coder-chat-id": chat },
          body: JSON.stringify({ command, workdir: agent.dir }),
        }));
      await using terminal = await openSocket(agent, `/api/v0/pty?reconnect=${crypto.randomUUID()}&command=cat`);
      await using watcher = await openSocket(agent, `/api/v0/git/watch?chat_id=${chat}`);
      await new Deno.Command("git", { args: ["init", "-q", agent.dir] }).output();
      await inChat("touch before.txt");
      await until(() => watcher.seen().includes("before.txt"));
      const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", {
        command: "read line; echo got $line",
        stdin: "piped",
      });
      const waiting = agent.fetch(`/api/v0/processes/${id}/output?wait=true`);
      await until(async () => await ticks() >= 2);
      const fed = manager.heard.length;

      await stopFor(MINUTE_S, world, file.time);
      const continuedAt = performance.now();
      const before = await ticks();
      agent.signal("SIGCONT");
      await drained(agent.fetch(`/api/v0/processes/${id}/stdin?close=true`, { method: "POST", body: "hello\n" }));

      assertEquals((await (await waiting).json()).output, "got hello\n");
      await until(() => manager.heard.slice(fed).includes("WATCHDOG=1"));
      terminal.type("still there\r");
      await until(() => terminal.seen().includes("still there"));
      await inChat("touch after.txt");
      await until(() => watcher.seen().includes("after.txt"));
      await until(async () => await ticks() >= before + 3);
      const tookMs = performance.now() - continuedAt;
      const ticked = await ticks() - before;
      assert(tookMs < AT_ONCE_MS, `${tookMs} ms`);
      assert(ticked <= tookMs / 1000 + 2, `${ticked} ticks in ${tookMs} ms`);
      assertEquals([terminal.isOpen(), watcher.isOpen()], [true, true]);
      assertEquals([await connectionOf(agent), world.connections()], ["connected", 1]);
      assertEquals(await world.states(), ["starting", "ready"]);

      await assertEndsWell(world);
    }),
});

Deno.test({
  name: "outpost start finds out that its control plane went away while it was stopped, and comes back",
  ignore: LIBRARY === undefined && Deno.env.get("CI") !== "true",
  fn: () =>
    inDirectory(async (directory) => {
      const time = join(directory, "time");
      await Deno.writeTextFile(time, "+0");
      await using world = await startMarked({
        manifest: { directory: "" },
        env: movableClocks(time),
      });
      const { agent } = world;
      await until(async () => (await world.states()).includes("ready"));

      await stopFor(MINUTE_S, world, time);
      world.cut();
      agent.signal("SIGCONT");
      await connectionOf(agent); // It has asked for a sign of life by now.
      await Deno.writeTextFile(time, `+${MINUTE_S + SIGN_OF_LIFE_S}`);
      await until(async () => await connectionOf(agent) === "connected" && world.connections() === 2);

      agent.signal("SIGTERM");
      const { code, log } = await world.end();
      assertEquals(code, 0, log);
      assertEquals(await world.states(), ["starting", "ready", "shutting_down", "off"]);
    }),
});

interface Manager extends AsyncDisposable {
  /** What the agent has told its service manager, oldest first. */
  readonly heard: readonly string[];
}

async function startManager(path: string): Promise<Manager> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-net", "--no-lock", RECEIVER, path],
    stdout: "piped",
    stdin: "null",
  }).spawn();
  const heard: string[] = [];
  const listening = Promise.withResolvers<void>();
  async function hear(): Promise<void> {
    for await (const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
      heard.push(JSON.parse(line));
      listening.resolve();
    }
  }
  const hearing = hear();
  await listening.promise;
  return {
    heard,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await hearing;
      await child.status;
    },
  };
}

async function drained(response: Promise<Response>): Promise<void> {
  await (await response).body?.cancel();
}
