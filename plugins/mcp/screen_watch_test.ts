import { assertEquals, assertMatch } from "@std/assert";

import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { type ScreenEvent, screenEvent, watchScreen } from "./screen_watch.ts";

Deno.test("screenEvent() knows a still screen, a moving one and the user's words, and nothing else", () => {
  const cases: readonly [string, unknown, ScreenEvent | undefined][] = [
    ["status_change", { status: "stable" }, { state: "idle" }],
    ["status_change", { status: "running" }, { state: "working" }],
    ["message_update", { role: "user", id: 3, message: "go on" }, { state: "working", userMessage: 3 }],
    ["message_update", { role: "agent", id: 4, message: "done" }, undefined],
    ["message_update", { role: "user", id: "3" }, undefined],
    ["screen_update", { screen: "$" }, undefined],
  ];
  for (const [event, data, expected] of cases) {
    assertEquals(screenEvent({ event, data: JSON.stringify(data) }), expected);
  }
});

/** Answers each request with the next of `answers`; the last stays open until it is aborted. */
function serverOf(answers: readonly (Response | Error)[], lastAsked: () => void) {
  const left = [...answers];
  return (_url: unknown, init?: RequestInit): Promise<Response> => {
    const answer = left.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    if (answer !== undefined) return Promise.resolve(answer);
    lastAsked();
    return new Promise((_resolve, reject) =>
      init!.signal!.addEventListener("abort", () => reject(init!.signal!.reason), { once: true })
    );
  };
}

/** Lets the pauses pass until `seen` resolves; the count only ends hangs. */
async function passPauses(clock: VirtualClock, seen: Promise<void>): Promise<void> {
  let isSeen = false;
  seen.then(() => isSeen = true);
  for (let count = 0; count < 1000 && !isSeen; count++) await clock.advance(30_000);
  await seen;
}

const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

Deno.test("watchScreen() reports in order, and connects again after an end, a refusal and a failure", async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const asked = Promise.withResolvers<void>();
  const seen: ScreenEvent[] = [];
  const warnings: string[] = [];
  const watching = watchScreen({
    url: new URL("http://localhost:3284/base"),
    clock,
    signal: stop.signal,
    report: (screen) => Promise.resolve(void seen.push(screen)),
    warn: (text) => void warnings.push(text),
    fetch: serverOf([
      new Response(event("status_change", { status: "running" }) + event("status_change", { status: "stable" })),
      new Response("no", { status: 500 }),
      new TypeError("connection refused"),
      new Response(event("message_update", { role: "user", id: 1 })),
    ], asked.resolve),
  });

  await passPauses(clock, asked.promise);
  stop.abort();
  await watching;

  assertEquals(seen, [{ state: "working" }, { state: "idle" }, { state: "working", userMessage: 1 }]);
  assertEquals(warnings.length, 4);
  assertMatch(warnings[1]!, /status 500/);
  assertMatch(warnings[2]!, /connection refused/);
});

Deno.test("watchScreen() goes on after a report that failed", async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const asked = Promise.withResolvers<void>();
  const warnings: string[] = [];
  let calls = 0;
  const watching = watchScreen({
    url: new URL("http://localhost:3284"),
    clock,
    signal: stop.signal,
    report: () => ++calls === 1 ? Promise.reject(new Error("no agent")) : Promise.resolve(),
    warn: (text) => void warnings.push(text),
    fetch: serverOf([
      new Response(event("status_change", { status: "running" }) + event("status_change", { status: "stable" })),
    ], asked.resolve),
  });

  await passPauses(clock, asked.promise);
  stop.abort();
  await watching;

  assertEquals([calls, warnings[0]], [2, "Cannot report what the screen shows: no agent"]);
});
