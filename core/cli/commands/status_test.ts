import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { definePlugin, type Plugin } from "../../plugin.ts";
import { RecordedIo } from "../recorded_io.ts";
import { run } from "../run.ts";

const fine = definePlugin({
  ...{ id: "fine", version: "1.0.0", api: 1, summary: "Works.", stability: "stable" },
  setup(ctx) {
    ctx.log.info("set up", { count: 1 });
    ctx.routes.app.post("/say", (c) => {
      ctx.log.warn("said something");
      return c.text("");
    });
  },
});
const broken = definePlugin({
  ...{ id: "broken", version: "1.0.0", api: 1, summary: "Fails.", stability: "stable" },
  setup() {
    throw new Error("no disk");
  },
});

interface Started {
  run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  /** Runs a command that goes on; resolves to its exit code. */
  follow(...args: string[]): { readonly io: RecordedIo; readonly exit: Promise<number> };
  stop(): Promise<number>;
}

async function withAgent(plugins: readonly Plugin[], use: (agent: Started) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const env = { XDG_RUNTIME_DIR: directory, OUTPOST_SOCKET: join(directory, "a.sock") };
  const program = { build: { name: "outpost", version: "1.2.3" }, plugins, invocation: "outpost" };
  const io = new RecordedIo({ env, cwd: directory });
  const exit = run(["start", "--unix", "a.sock", "--log-level", "info", "--log-format", "json"], io, program);
  function follow(...args: string[]) {
    const other = new RecordedIo({ env, cwd: directory });
    return { io: other, exit: run(args, other, program) };
  }
  async function stop(): Promise<number> {
    io.signal("SIGTERM");
    return await exit;
  }
  try {
    await io.outputs(/"listening"/);
    await use({
      follow,
      stop,
      async run(...args) {
        const { io: other, exit } = follow(...args);
        return { code: await exit, out: other.output, err: other.errors };
      },
    });
  } finally {
    await stop();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("status() shows the agent, and ends with 0 while all is well", () =>
  withAgent([fine], async (agent) => {
    const { code, out } = await agent.run("status");
    const json = JSON.parse((await agent.run("status", "--json")).out);

    assertEquals(code, 0);
    assertMatch(out, /^agent +outpost 1\.2\.3, ready$/m);
    assertMatch(out, new RegExp(`^process +${Deno.pid}, up .*, \\d+ MB$`, "m"));
    assertMatch(out, /^http +http:\/\/127\.0\.0\.1:\d+$/m);
    assertMatch(out, /^control plane +none configured$/m);
    assertMatch(out, /^running +fine$/m);
    assertEquals([json.pid, json.ready, json.plugins], [Deno.pid, true, [{ id: "fine", state: "running" }]]);
  }));

Deno.test("status() names failed plugins with the reason, and ends with 1", () =>
  withAgent([fine, broken], async (agent) => {
    const { code, out } = await agent.run("status");

    assertEquals(code, 1);
    assertMatch(out, /^failed +broken: .*no disk/m);
  }));

Deno.test("status() says how to start an agent when none runs", async () => {
  const io = new RecordedIo({ env: { XDG_RUNTIME_DIR: "/missing" } });
  const program = { build: { name: "outpost", version: "1.2.3" }, plugins: [], invocation: "outpost" };

  assertEquals(await run(["status"], io, program), 1);
  assertStringIncludes(io.errors, "Start one with: outpost start");
});

Deno.test("logs() shows lines by count, level and source, for people and for programs", () =>
  withAgent([fine], async (agent) => {
    const pretty = await agent.run("logs", "--source", "fine");
    const json = await agent.run("logs", "--source", "fine", "--json");
    const loud = await agent.run("logs", "--level", "error");
    const none = await agent.run("logs", "--lines", "0");

    assertMatch(pretty.out, /outpost\.fine.*set up.*count=1\n$/);
    assertEquals([JSON.parse(json.out).message, JSON.parse(json.out).count], ["set up", 1]);
    assertEquals([loud.out, none.out], ["", ""]);
    assertEquals((await agent.run("logs", "--lines", "many")).code, 2);
    assertEquals((await agent.run("logs", "--level", "loud")).code, 2);
  }));

Deno.test("logs() --follow shows what comes, and ends with the agent after its last line", () =>
  withAgent([fine], async (agent) => {
    const { io, exit } = agent.follow("logs", "--follow", "--lines", "1", "--json");
    await io.outputs(/\n/);

    await agent.stop();

    assertEquals(await exit, 0);
    assertStringIncludes(io.output, `"agent shutting down"`);
  }));

Deno.test("logs() --follow says so where nothing is logged yet", () =>
  withAgent([], async (agent) => {
    const { io, exit } = agent.follow("logs", "--follow");
    while (io.errors === "") await new Promise((resolve) => setImmediate(resolve));
    await agent.stop();

    assertEquals(await exit, 0);
    assertStringIncludes(io.errors, "Nothing is logged yet");
  }));

Deno.test("logs() --follow ends when its user has seen enough", () =>
  withAgent([fine], async (agent) => {
    const { io, exit } = agent.follow("logs", "--follow", "--json");
    await io.outputs(/set up/);

    io.signal("SIGINT");

    assertEquals(await exit, 0);
  }));
