import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { nextTurn } from "../../core/next_turn.ts";
import { recordedDesktop, RecordedSession, untilSleepOf } from "./_fixture.ts";

const CHAT = { "coder-chat-id": "11111111-1111-4111-8111-111111111111" };

// deno-lint-ignore no-explicit-any -- tests look into answers of every shape
async function bodyOf(response: Response): Promise<any> {
  return await response.json();
}

Deno.test("POST /action: a screenshot has the screen's size, data and a hash", async () => {
  await using desktop = await recordedDesktop();

  const answer = await bodyOf(await desktop.act({ action: "screenshot" }));

  assertEquals([answer.output, answer.screenshot_width, answer.screenshot_height], ["screenshot", 1920, 1080]);
  assertMatch(atob(answer.screenshot_data), /^\x89PNG/);
  assertMatch(answer.screenshot_hash, /^1920x1080-[0-9a-f]{32}$/);
  assertEquals("screenshot_type" in answer, false);
});

Deno.test("POST /action: other requests are served while a picture is made", async () => {
  await using desktop = await recordedDesktop();
  await desktop.act({ action: "screenshot" }); // What it loads, it has loaded.
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const session = desktop.sessions[0]!;
  const { capture } = session;
  session.capture = (wanted) => {
    resolve();
    return capture.call(session, wanted);
  };
  let isAnswered = false;
  const answer = desktop.act({ action: "screenshot" }).then((response) => {
    isAnswered = true;
    return response;
  });
  await begun;

  let served = 0;
  for (; !isAnswered; served++) {
    await bodyOf(await desktop.agent.get("/api/v0/desktop/lease"));
    await nextTurn(); // A test's requests go through no socket: their answers alone give nobody else a turn.
  }

  assertEquals((await bodyOf(await answer)).output, "screenshot");
  assert(served >= 10, `${served} were served`);
});

Deno.test("POST /action: a screenshot comes in the size that the caller names, each axis on its own", async () => {
  await using desktop = await recordedDesktop();

  const both = await bodyOf(await desktop.act({ action: "screenshot", scaled_width: 1280, scaled_height: 720 }));
  const one = await bodyOf(await desktop.act({ action: "screenshot", scaled_width: 640, scaled_height: 0 }));

  assertEquals([both.screenshot_width, both.screenshot_height], [1280, 720]);
  assertEquals([one.screenshot_width, one.screenshot_height], [640, 1080]);
});

Deno.test("POST /action: an unchanged screen is told without data", async () => {
  await using desktop = await recordedDesktop();
  const { screenshot_hash } = await bodyOf(await desktop.act({ action: "screenshot" }));

  const same = await bodyOf(await desktop.act({ action: "screenshot", if_changed_from: screenshot_hash }));
  desktop.sessions[0]!.shade = 9;
  const other = await bodyOf(await desktop.act({ action: "screenshot", if_changed_from: screenshot_hash }));

  assertEquals([same.screenshot_unchanged, same.screenshot_data, same.screenshot_hash], [
    true,
    undefined,
    screenshot_hash,
  ]);
  assertEquals([other.screenshot_unchanged, typeof other.screenshot_data], [undefined, "string"]);
});

/** What the driver is told for a request, and what the client is answered. */
const INPUTS: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
  [{ action: "left_click", coordinate: [100, 200] }, "click 100,200 left 1"],
  [{ action: "left_click", coordinate: [0, 0] }, "click 0,0 left 1"],
  [{ action: "right_click", coordinate: [1, 2] }, "click 1,2 right 1"],
  [{ action: "middle_click", coordinate: [1, 2] }, "click 1,2 middle 1"],
  [{ action: "double_click", coordinate: [1, 2] }, "click 1,2 left 2"],
  [{ action: "triple_click", coordinate: [1, 2] }, "click 1,2 left 3"],
  [{ action: "mouse_move", coordinate: [640, 360], scaled_width: 1280, scaled_height: 720 }, "move 960,540"],
  [{ action: "mouse_move", coordinate: [1365, 767], scaled_width: 1366, scaled_height: 768 }, "move 1919,1079"],
  [{ action: "mouse_move", coordinate: [5000, -3], scaled_width: 1920, scaled_height: 1080 }, "move 1919,0"],
  [{ action: "left_click_drag", start_coordinate: [1, 2], coordinate: [3, 4] }, "drag 1,2 3,4"],
  [{ action: "left_mouse_down" }, "down left"],
  [{ action: "left_mouse_up" }, "up left"],
  [{ action: "scroll", coordinate: [500, 400], scroll_amount: 5, scroll_direction: "down" }, "scroll 500,400 0,5"],
  [{ action: "scroll", coordinate: [1, 1], scroll_direction: "up" }, "scroll 1,1 0,-3"],
  [{ action: "scroll", coordinate: [1, 1], scroll_direction: "left", scroll_amount: 1 }, "scroll 1,1 -1,0"],
  [{ action: "scroll", coordinate: [1, 1], scroll_direction: "right" }, "scroll 1,1 3,0"],
  [{ action: "key", text: "ctrl+s" }, "key ctrl+s"],
  [{ action: "type", text: "hello", unknown: true }, "type hello"],
  [{ action: "key_down", text: "shift" }, "key down shift"],
  [{ action: "key_up", text: "shift" }, "key up shift"],
];
for (const [request, call] of INPUTS) {
  Deno.test(`POST /action: ${JSON.stringify(request)} reaches the driver as "${call}"`, async () => {
    await using desktop = await recordedDesktop();

    const answer = await bodyOf(await desktop.act(request));

    assertEquals(desktop.sessions[0]!.calls, [call]);
    assertEquals(answer, { output: `${request.action} action performed`, epoch: 1 });
  });
}

Deno.test("POST /action: the cursor's position is told in the space of the caller", async () => {
  await using desktop = await recordedDesktop();
  await desktop.act({ action: "screenshot" });
  desktop.sessions[0]!.cursor = { x: 960, y: 540 };

  const own = await bodyOf(await desktop.act({ action: "cursor_position" }));
  const scaled = await bodyOf(
    await desktop.act({ action: "cursor_position", scaled_width: 1280, scaled_height: 720 }),
  );

  assertEquals([own.output, scaled.output], ["x=960,y=540", "x=640,y=360"]);
});

/** What is refused, and in which words. */
const REFUSED: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
  [{ action: "fly" }, 'Unknown action: "fly"'],
  [{}, 'Unknown action: ""'],
  [{ action: "hold_key" }, 'Missing "text" for hold_key'],
  [{ action: "left_click", coordinate: null }, 'Missing "coordinate" for left_click'],
  [{ action: "left_click_drag", coordinate: [1, 1] }, 'Missing "start_coordinate" for left_click_drag'],
  [{ action: "zoom" }, 'Missing "region" for zoom'],
  [{ action: "zoom", region: [10, 10, 10, 20] }, 'Invalid "region" for zoom'],
  [{ action: "scroll", coordinate: [1, 1], scroll_direction: "in" }, "Invalid scroll direction"],
  [{ action: "hold_key", text: "a", duration: 60_001 }, "Cannot take 60001 ms: the limit is 60000 ms"],
  [{ action: "left_click", coordinate: [1.5, 2] }, "Failed to decode request body"],
];
for (const [request, message] of REFUSED) {
  Deno.test(`POST /action: ${JSON.stringify(request)} is refused: ${message}`, async () => {
    await using desktop = await recordedDesktop();

    const response = await desktop.act(request);

    assertEquals([response.status, (await bodyOf(response)).message], [400, message]);
    assertEquals(desktop.sessions[0]!.calls, []);
  });
}

Deno.test("POST /action: the desktop is started before the body is looked at", async () => {
  await using broken = await recordedDesktop({}, () => Promise.reject(new Error("no screen")));
  await using working = await recordedDesktop();

  const first = await broken.act("{");
  const second = await working.act("{");

  assertEquals([first.status, (await bodyOf(first)).message], [500, "Failed to start desktop session"]);
  assertEquals([second.status, (await bodyOf(second)).message], [400, "Failed to decode request body"]);
  assertEquals(broken.agent.health("desktop"), { ok: false, reason: "no screen" });
});

Deno.test("POST /action: a fault of the driver is a 500 that names the action and the cause", async () => {
  await using desktop = await recordedDesktop();
  await desktop.act({ action: "screenshot" });
  desktop.sessions[0]!.fault = new Error("out of paper");

  const key = await desktop.act({ action: "key", text: "a" });
  const screenshot = await desktop.act({ action: "screenshot" });

  const { message, detail } = await bodyOf(key);
  assertEquals([key.status, message, detail], [500, "Key press failed", "out of paper"]);
  assertEquals((await bodyOf(screenshot)).message, "Screenshot failed");
  assertEquals(await desktop.agent.metric("agent_desktop_actions_total", { action: "key", result: "failed" }), 1);
});

Deno.test("POST /action: hold_key holds for its duration, one second unless told otherwise", async () => {
  await using desktop = await recordedDesktop();
  await desktop.act({ action: "screenshot" });
  const { calls } = desktop.sessions[0]!;
  calls.length = 0;

  const held = desktop.act({ action: "hold_key", text: "w" });
  await untilSleepOf(1000, desktop.agent);
  assertEquals(calls, ["key down w"]);
  await desktop.agent.clock.advance(1000);

  assertEquals((await bodyOf(await held)).output, "hold_key action performed");
  assertEquals(calls, ["key down w", "key up w"]);
});

Deno.test("POST /action: a key that is held is released when its client goes away", async () => {
  await using desktop = await recordedDesktop();
  await desktop.act({ action: "screenshot" });
  const { calls } = desktop.sessions[0]!;
  calls.length = 0;
  const client = new AbortController();

  const held = desktop.agent.fetch("/api/v0/desktop/action", {
    method: "POST",
    body: JSON.stringify({ action: "hold_key", text: "w", duration: 50_000 }),
    signal: client.signal,
  });
  await untilSleepOf(50_000, desktop.agent);
  client.abort();
  await held.catch(() => {});
  while (!calls.includes("key up w")) await new Promise((resolve) => setImmediate(resolve));

  assertEquals(calls, ["key down w", "key up w"]);
});

Deno.test("POST /action: wait takes its time and answers", async () => {
  await using desktop = await recordedDesktop();

  const waiting = desktop.act({ action: "wait", duration: 5000 });
  await untilSleepOf(5000, desktop.agent);
  await desktop.agent.clock.advance(5000);

  assertEquals((await bodyOf(await waiting)).output, "wait action performed");
});

Deno.test("POST /action: input is done one after the other, and one too many is refused", async () => {
  await using desktop = await recordedDesktop({ maxWaitingActions: 1 });
  await desktop.act({ action: "screenshot" });
  const session = desktop.sessions[0]!;
  session.calls.length = 0;
  const gate = Promise.withResolvers<void>();
  session.gate = gate.promise;

  const first = desktop.act({ action: "type", text: "1" });
  const second = desktop.act({ action: "type", text: "2" });
  const third = await desktop.act({ action: "type", text: "3" });
  gate.resolve();
  await Promise.all([first, second]);

  assertEquals([third.status, third.headers.get("retry-after")], [429, "1"]);
  assertEquals(session.calls, ["type 1", "type 2"]);
});

Deno.test("the desktop is started once for all who ask at the same time, and again after it has died", async () => {
  const started = Promise.withResolvers<void>();
  await using desktop = await recordedDesktop({}, async () => {
    await started.promise;
    return new RecordedSession();
  });

  const asking = [1, 2, 3].map(() => desktop.act({ action: "screenshot" }));
  started.resolve();
  await Promise.all(asking);
  assertEquals(desktop.sessions.length, 1);
  desktop.sessions[0]!.die("killed by the test");
  while (await desktop.agent.metric("agent_desktop_running") === 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await desktop.act({ action: "screenshot" });

  assertEquals(desktop.sessions.length, 2);
  assertEquals(desktop.sessions[0]!.calls.at(-1), "closed");
  assertEquals(await desktop.agent.metric("agent_desktop_deaths_total"), 1);
  const lines = desktop.agent.logs("warn").map(({ message, fields }) => `${message}: ${fields.how}`);
  assertEquals(lines, ["desktop ended, the next use starts another: killed by the test"]);
});

Deno.test("a start that takes too long is given up, and the next one may work", async () => {
  let hangs = true;
  await using desktop = await recordedDesktop({ startMs: 2000 }, (signal) => {
    if (!hangs) return Promise.resolve(new RecordedSession());
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });

  const late = desktop.act({ action: "screenshot" });
  await untilSleepOf(2000, desktop.agent);
  await desktop.agent.clock.advance(2000);
  const { detail } = await bodyOf(await late);
  hangs = false;
  const next = await desktop.act({ action: "screenshot" });

  assertStringIncludes(detail, "deadline is 2000 ms");
  assertEquals(next.status, 200);
  assertEquals(desktop.agent.health("desktop"), { ok: true });
});

Deno.test("stopping the agent ends a start that is under way, and closes a desktop that runs", async () => {
  const begun = Promise.withResolvers<void>();
  const starting = await recordedDesktop({}, (signal) => {
    begun.resolve();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  const asked = starting.act({ action: "screenshot" });
  await begun.promise;
  await starting.agent.stop();
  const { detail } = await bodyOf(await asked);
  await starting[Symbol.asyncDispose]();

  const running = await recordedDesktop();
  await running.act({ action: "screenshot" });
  await running[Symbol.asyncDispose]();

  assertEquals(detail, "Cannot use the desktop: the agent stops");
  assertEquals(running.sessions[0]!.calls.at(-1), "closed");
});

Deno.test("the lease: a person who takes it stops what an agent does; agents get 423 until it is handed back", async () => {
  await using desktop = await recordedDesktop();
  const { agent } = desktop;
  await desktop.act({ action: "screenshot" });
  const session = desktop.sessions[0]!;
  const holding = desktop.act({ action: "hold_key", text: "w", duration: 60_000 });
  await untilSleepOf(60000, agent);

  const taken = await bodyOf(await agent.post("/api/v0/desktop/lease/take", { name: "Anna" }));
  const stopped = await holding;
  const refused = await desktop.act({ action: "left_click", coordinate: [1, 1] });
  const looked = await desktop.act({ action: "screenshot" });

  assertEquals([taken.held_by, taken.epoch, taken.holder.name], ["person", 2, "Anna"]);
  assertEquals(session.calls, ["capture 1920x1080", "key down w", "release all", "key up w", "capture 1920x1080"]);
  assertEquals([stopped.status, refused.status, looked.status], [423, 423, 200]);
  const body = await bodyOf(refused);
  assertEquals([body.code, body.epoch, body.holder.name], ["desktop_held", 2, "Anna"]);
  assertEquals(Date.parse(body.holder.until) - Date.parse(body.holder.since), 60_000);
  assertEquals(refused.headers.get("retry-after"), "60");

  const back = await bodyOf(await agent.post("/api/v0/desktop/lease/hand-back", { note: "logged in" }));

  assertEquals([back.held_by, back.epoch, back.hand_back.note, back.hand_back.how], [
    ...["agents", 3, "logged in", "request"],
  ]);
  assertMatch(atob(back.hand_back.screenshot_data), /^\x89PNG/);
  assertEquals((await desktop.act({ action: "screenshot" })).status, 200);
  assertEquals((await desktop.act({ action: "left_click", coordinate: [1, 1] })).status, 200);
  assertEquals(await agent.metric("agent_desktop_lease_changes_total", { to: "person", how: "request" }), 1);
  assertEquals(await agent.metric("agent_desktop_lease_changes_total", { to: "agent", how: "request" }), 1);
  assertEquals(await agent.metric("agent_desktop_actions_total", { action: "left_click", result: "held" }), 1);
});

Deno.test("the lease: input decided before a person used the desktop is refused until the caller has looked", async () => {
  await using desktop = await recordedDesktop();
  const { agent } = desktop;
  const click = { action: "left_click", coordinate: [1, 1] };
  await desktop.act({ action: "screenshot" }, CHAT);
  await agent.post("/api/v0/desktop/lease/take");
  await agent.post("/api/v0/desktop/lease/hand-back");

  const late = await desktop.act(click, CHAT);
  const named = await desktop.act({ ...click, epoch: 1 });
  const stranger = await desktop.act(click);
  await desktop.act({ action: "screenshot" }, CHAT);
  const again = await desktop.act(click, CHAT);

  assertEquals([late.status, named.status, stranger.status, again.status], [409, 409, 200, 200]);
  const { code, message } = await bodyOf(late);
  assertEquals(code, "desktop_stale_epoch");
  assertStringIncludes(message, "Take a screenshot");
});

Deno.test("the lease: it goes back by itself after a while without input, and whoever waits is told", async () => {
  await using desktop = await recordedDesktop({ handBackMs: 30_000 });
  const { agent } = desktop;
  await agent.post("/api/v0/desktop/lease/take", { name: "Ben" });

  const waiting = agent.get("/api/v0/desktop/lease?epoch=2&wait_ms=25000&screenshot=true");
  await untilSleepOf(25000, agent);
  await agent.clock.advance(25_000);
  assertEquals((await bodyOf(await waiting)).held_by, "person");
  const next = agent.get("/api/v0/desktop/lease?epoch=2&wait_ms=25000&screenshot=true");
  await untilSleepOf(25000, agent);
  await agent.clock.advance(5000);

  const { epoch, held_by, hand_back } = await bodyOf(await next);
  assertEquals([epoch, held_by, hand_back.how, hand_back.name], [3, "agents", "idle", "Ben"]);
  assert(hand_back.screenshot_data !== "");
});

Deno.test("the lease: handing back what nobody holds is a conflict", async () => {
  await using desktop = await recordedDesktop();

  const response = await desktop.agent.post("/api/v0/desktop/lease/hand-back");

  assertEquals([response.status, (await bodyOf(response)).message], [409, "Nobody holds the desktop"]);
});

Deno.test("GET /vnc: without a VNC server the answer is plain HTTP", async () => {
  await using desktop = await recordedDesktop();

  const refused = await desktop.agent.webSocket("/api/v0/desktop/vnc").then(() => "opened", (error) => String(error));

  assertStringIncludes(refused, "500");
});

for (const jumpMs of [-3_600_000, 3_600_000]) {
  Deno.test(`the lease: setting the machine's clock by ${jumpMs} ms neither ends a hold nor makes it last`, async () => {
    await using desktop = await recordedDesktop();
    const { agent } = desktop;
    await agent.post("/api/v0/desktop/lease/take", { name: "Ben" });
    await agent.clock.advance(50_000);

    agent.clock.jump(jumpMs);
    await agent.clock.advance(1000);
    const { held_by, holder } = await bodyOf(await agent.get("/api/v0/desktop/lease"));
    await agent.clock.advance(9000);

    assertEquals([held_by, Date.parse(holder.until) - agent.clock.now()], ["person", 0]);
    assertEquals((await bodyOf(await agent.get("/api/v0/desktop/lease"))).held_by, "agents");
  });
}

Deno.test("POST /action: a picture larger than any screen is refused before anything is made of it", async () => {
  await using desktop = await recordedDesktop();

  const wide = await desktop.act({ action: "screenshot", scaled_width: 8193, scaled_height: 1 });
  const high = await desktop.act({ action: "zoom", region: [0, 0, 1, 1], scaled_height: 1_000_000 });

  assertEquals([wide.status, high.status], [400, 400]);
  assertEquals((await bodyOf(wide)).validations[0].field, "scaled_width");
  await high.body?.cancel();
  assertEquals(desktop.sessions[0]!.calls, []);
});

Deno.test("POST /action: a zoom into a narrow part with one side named is no longer than any screen", async () => {
  await using desktop = await recordedDesktop();

  await (await desktop.act({ action: "zoom", region: [0, 0, 1, 1080], scaled_width: 1920 })).body?.cancel();
  await (await desktop.act({ action: "zoom", region: [0, 0, 192, 108], scaled_width: 1920 })).body?.cancel();

  assertEquals(desktop.sessions[0]!.calls, ["capture 8x8192", "capture 1920x1080"]);
});

Deno.test("a desktop that cannot be tidied up is told to the log, and the next use starts another", async () => {
  await using desktop = await recordedDesktop();
  await (await desktop.act({ action: "screenshot" })).body?.cancel();
  const [first] = desktop.sessions;
  first!.closeFault = new Error("the directory is busy");

  first!.die();
  await first!.ended;
  const next = await desktop.act({ action: "screenshot" });

  assertEquals([next.status, desktop.sessions.length], [200, 2]);
  await next.body?.cancel();
  const left = desktop.agent.logs("warn").find(({ message }) => message.includes("left behind"));
  assertEquals(left?.fields.error, "the directory is busy");
});
