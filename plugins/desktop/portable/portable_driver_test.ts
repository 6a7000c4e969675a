/**
 * The commands that portabledesktop is given, tried on a stand-in that records them and can misbehave.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

import { createTestAgent, type TestAgent } from "../../../core/testing/mod.ts";
import desktop from "../mod.ts";

const STAND_IN = fromFileUrl(new URL("testdata", import.meta.url));

interface PortableDesktop extends AsyncDisposable {
  readonly agent: TestAgent;
  readonly directory: string;
  /** The lines the program was called with, without those that start a desktop. */
  calls(): Promise<string[]>;
  setMode(mode: string): Promise<void>;
  act(body: unknown): Promise<Response>;
}

async function portableDesktop(
  mode = "",
  config: Readonly<Record<string, unknown>> = {},
  time: "virtual" | "real" = "real",
): Promise<PortableDesktop> {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(join(directory, "mode"), mode);
  const agent = await createTestAgent({
    plugins: [desktop],
    config: { desktop: { driver: "portabledesktop", geometry: "800x600", ...config } },
    env: { PATH: `${STAND_IN}:/usr/bin:/bin`, HOME: "/tmp", STAND_IN: directory },
    time,
  });
  return {
    agent,
    directory,
    async calls() {
      const lines = (await Deno.readTextFile(join(directory, "calls"))).trim().split("\n");
      return lines.filter((line) => !line.startsWith("up "));
    },
    setMode: (mode) => Deno.writeTextFile(join(directory, "mode"), mode),
    act: (body) => agent.post("/api/v0/desktop/action", body),
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

// deno-lint-ignore no-explicit-any -- tests look into answers of every shape
async function bodyOf(response: Response): Promise<any> {
  return await response.json();
}

/** The commands that each action becomes. */
const COMMANDS: readonly (readonly [Readonly<Record<string, unknown>>, readonly string[]])[] = [
  [{ action: "screenshot" }, ["screenshot --json"]],
  [{ action: "screenshot", scaled_width: 400, scaled_height: 300 }, [
    "screenshot --json --target-width 400 --target-height 300",
  ]],
  [{ action: "mouse_move", coordinate: [1, 2] }, ["mouse move 1 2"]],
  [{ action: "left_click", coordinate: [1, 2] }, ["mouse move 1 2", "mouse click left"]],
  [{ action: "double_click", coordinate: [1, 2] }, ["mouse move 1 2", "mouse click left", "mouse click left"]],
  [{ action: "left_mouse_down" }, ["mouse down left"]],
  [{ action: "left_mouse_up" }, ["mouse up left"]],
  [{ action: "scroll", coordinate: [5, 6], scroll_direction: "up", scroll_amount: 2 }, [
    "mouse move 5 6",
    "mouse scroll 0 -2",
  ]],
  [{ action: "left_click_drag", start_coordinate: [1, 1], coordinate: [9, 9] }, [
    ...["mouse move 1 1", "mouse down left", "mouse move 9 9", "mouse up left"],
  ]],
  [{ action: "key", text: "ctrl+s" }, ["keyboard key ctrl+s"]],
  [{ action: "hold_key", text: "a", duration: 1 }, ["keyboard down a", "keyboard up a"]],
  [{ action: "type", text: "grüße 漢" }, ["keyboard type grüße 漢"]],
];

Deno.test("each action becomes portabledesktop's commands, and one desktop is started for all", async () => {
  await using it = await portableDesktop();
  let seen = 0;
  for (const [request, commands] of COMMANDS) {
    const response = await it.act(request);
    assertEquals(response.status, 200, JSON.stringify(await bodyOf(response)));

    assertEquals((await it.calls()).slice(seen), commands);
    seen += commands.length;
  }
  const { output } = await bodyOf(await it.act({ action: "cursor_position" }));

  assertEquals(output, "x=12,y=34");
  const ups = (await Deno.readTextFile(join(it.directory, "calls"))).match(/^up .*$/gm);
  assertEquals(ups, ["up --json --geometry 800x600"]);
});

Deno.test("a picture of portabledesktop has the size that was asked for, and its bytes as they are", async () => {
  await using it = await portableDesktop();

  const { screenshot_width, screenshot_data } = await bodyOf(await it.act({ action: "screenshot" }));

  assertEquals([screenshot_width, screenshot_data], [800, "iVBORw0KGgo="]);
});

/** What goes wrong at the start, and what is told. */
const FAILED_STARTS = [
  ["up-crash", "no fonts"],
  ["up-garbage", "wrote what is no JSON: starting"],
  ["up-no-port", "does not name a VNC port"],
] as const;
for (const [mode, told] of FAILED_STARTS) {
  Deno.test(`a start of portabledesktop that fails (${mode}) is told, ended, and tried again by the next use`, async () => {
    await using it = await portableDesktop(mode);

    const failed = await it.act({ action: "cursor_position" });
    await it.setMode("");
    const next = await it.act({ action: "cursor_position" });

    const { message, detail } = await bodyOf(failed);
    assertEquals([failed.status, message, next.status], [500, "Failed to start desktop session", 200]);
    assertStringIncludes(detail, told);
  });
}

Deno.test("a start of portabledesktop that hangs uses up its deadline, is ended, and tried again by the next use", async () => {
  await using it = await portableDesktop("up-hang", { startMs: 1000 }, "virtual");

  const failing = it.act({ action: "cursor_position" });
  // The deadline runs since before the program is called.
  const calls = join(it.directory, "calls");
  while (!await Deno.readTextFile(calls).catch(() => "")) await new Promise((resolve) => setImmediate(resolve));
  await it.agent.clock.advance(1000);
  const failed = await failing;
  await it.setMode("");
  const next = await it.act({ action: "cursor_position" });

  assertEquals([failed.status, next.status], [500, 200]);
  assertStringIncludes((await bodyOf(failed)).detail, "deadline is 1000 ms");
});

Deno.test("a geometry that cannot be read is no reason to fail: coordinates then go as they are", async () => {
  await using it = await portableDesktop("up-no-size");

  assertEquals((await it.act({ action: "mouse_move", coordinate: [7, 8] })).status, 200);

  assertEquals(await it.calls(), ["mouse move 7 8"]);
  assert(it.agent.logs("warn").some(({ message }) => message.includes("how large the desktop is")));
});

Deno.test("a command that crashes or writes garbage is a 500 with its words; a slow one is waited for", async () => {
  await using it = await portableDesktop();
  await it.act({ action: "cursor_position" });

  await it.setMode("crash");
  const crashed = await bodyOf(await it.act({ action: "key", text: "a" }));
  await it.setMode("garbage");
  const garbled = await bodyOf(await it.act({ action: "cursor_position" }));
  await it.setMode("slow");
  const slow = await it.act({ action: "key", text: "a" });

  assertEquals([crashed.message, crashed.detail], [
    "Key press failed",
    "portabledesktop keyboard: exit code 3: the display is gone",
  ]);
  assertStringIncludes(garbled.detail, "the output is no JSON object: not json");
  assertEquals(slow.status, 200);
});

Deno.test("a command that hangs ends with the person's takeover, and the agent's stop leaves nothing behind", async () => {
  await using it = await portableDesktop();
  await it.act({ action: "cursor_position" });
  const pid = Number(await Deno.readTextFile(join(it.directory, "pid")));
  await it.setMode("hang");
  const hanging = it.act({ action: "key", text: "a" });
  while (!(await it.calls()).includes("keyboard key a")) await new Promise((resolve) => setImmediate(resolve));

  await (await it.agent.post("/api/v0/desktop/lease/take")).body?.cancel();
  const status = (await hanging).status;
  await it.agent.stop();

  assertEquals(status, 423);
  assertEquals(await Deno.stat(`/proc/${pid}`).then(() => "alive", () => "gone"), "gone");
});

Deno.test("a desktop that dies is noticed, and the next use starts another", async () => {
  await using it = await portableDesktop();
  await it.act({ action: "cursor_position" });

  Deno.kill(Number(await Deno.readTextFile(join(it.directory, "pid"))), "SIGKILL");
  while (await it.agent.metric("agent_desktop_deaths_total") !== 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const next = await it.act({ action: "cursor_position" });

  assertEquals(next.status, 200);
  const ups = (await Deno.readTextFile(join(it.directory, "calls"))).match(/^up .*$/gm);
  assertEquals(ups?.length, 2);
});

Deno.test("without the program, the answer says where it was looked for", async () => {
  await using agent = await createTestAgent({
    plugins: [desktop],
    config: { desktop: { driver: "portabledesktop" } },
    env: { PATH: "/nonexistent", HOME: "/tmp" },
  });

  const { detail } = await bodyOf(await agent.post("/api/v0/desktop/action", { action: "screenshot" }));

  assertStringIncludes(detail, '"portabledesktop" was not found in PATH or in the script binary directory');
});

const REAL = Deno.env.get("PORTABLEDESKTOP_BIN");
if (REAL) {
  Deno.test("the real portabledesktop takes the same commands", async () => {
    const bin = await Deno.makeTempDir();
    await Deno.symlink(REAL, join(bin, "portabledesktop"));
    await using agent = await createTestAgent({
      plugins: [desktop],
      config: { desktop: { driver: "portabledesktop", geometry: "800x600", startMs: 60_000 } },
      env: { PATH: `${bin}:/usr/bin:/bin`, HOME: bin },
      time: "real",
    });
    for (const [request] of COMMANDS) {
      const response = await agent.post("/api/v0/desktop/action", request);
      assertEquals(response.status, 200, JSON.stringify(await bodyOf(response)));
    }
    await agent.post("/api/v0/desktop/action", { action: "mouse_move", coordinate: [100, 200] });
    const { output } = await bodyOf(await agent.post("/api/v0/desktop/action", { action: "cursor_position" }));
    assertEquals(output, "x=100,y=200");
    await Deno.remove(bin, { recursive: true });
  });
}

Deno.test("what is typed stays out of the log, also when a command fails", async () => {
  await using it = await portableDesktop();
  await it.act({ action: "cursor_position" });

  await it.setMode("crash");
  const failed = await it.act({ action: "type", text: "correct horse" });

  assertEquals([failed.status, (await it.calls()).at(-1)], [500, "keyboard type correct horse"]);
  const lines = it.agent.logs().map((line) => JSON.stringify(line));
  assert(lines.some((line) => line.includes("portabledesktop failed") && line.includes("keyboard type")));
  assertEquals(lines.filter((line) => line.includes("horse")), []);
  assertEquals((await bodyOf(failed)).detail.includes("horse"), false);
});
