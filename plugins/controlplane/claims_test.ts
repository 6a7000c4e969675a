import { assertEquals } from "@std/assert";

import { aborted } from "../../core/aborted.ts";
import type { Clock, Logger, Renewal } from "../../core/plugin.ts";
import { Backoff } from "../../core/rpc/backoff.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { awaitClaim } from "./claims.ts";

const quiet = () => {};
const log: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const events = (...texts: string[]) => new Response(texts.join(""));
const claim = (owner: string) =>
  `event: data\ndata: {"workspace_id":"w","reason":"prebuild_claimed","owner_id":"${owner}"}\n\n`;
const PING = "event: ping\n\n";

/** Runs it against answers in turn; each is a response, or what the request throws. When they are used up, it is stopped. */
async function waitThrough(answers: readonly (Response | Error)[], carried: Record<string, string> = {}) {
  const stop = new AbortController();
  const left = [...answers];
  const slept: number[] = [];
  const asked: string[] = [];
  const renewals: unknown[] = [];
  const clock: Clock = {
    now: () => 0,
    // The longest waits for silence, of which there is none here.
    sleep: (ms, signal) =>
      ms === 60_000
        ? aborted(signal!).then(() => Promise.reject(signal!.reason))
        : Promise.resolve(void slept.push(Math.round(ms))),
  };
  const renewal: Renewal = { carried, request: (reason, carry) => void renewals.push([reason, carry]) };
  await awaitClaim({
    rpc: {
      fetch: (path) => {
        asked.push(path);
        const next = left.shift();
        if (next === undefined) {
          stop.abort();
          return Promise.reject(stop.signal.reason);
        }
        return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
      },
    },
    ...{ renewal, clock, log, backoff: new Backoff({ random: () => 0 }) },
  }, stop.signal);
  return { slept, asked, renewals };
}

Deno.test("awaitClaim() asks for another life when the workspace is claimed, and leaves the owner for it", async () => {
  const { asked, renewals } = await waitThrough([events(PING, PING, claim("ada"), claim("bob"))]);

  assertEquals(asked, ["/api/v2/workspaceagents/me/reinit?wait=true"]);
  assertEquals(renewals, [["the workspace was claimed", { owner: "ada" }]]);
});

Deno.test("awaitClaim() does not take the claim of its own life for news", async () => {
  const { renewals } = await waitThrough([events(claim("ada"), PING), events(claim("ada"), claim("bob"))], {
    owner: "ada",
  });

  assertEquals(renewals, [["the workspace was claimed", { owner: "bob" }]]);
});

Deno.test("awaitClaim() ends for good with 409", async () => {
  const { asked, slept, renewals } = await waitThrough([new Response("{}", { status: 409 }), events(claim("ada"))]);

  assertEquals([asked.length, slept, renewals], [1, [], []]);
});

Deno.test("awaitClaim() asks again after what goes wrong, with growing pauses, short again after an event", async () => {
  const { slept } = await waitThrough([
    new Error("away"),
    new Response("{}", { status: 500 }),
    events("event: error\ndata: {}\n\n"),
    events("event: data\ndata: nonsense\n\n"),
    events(claim("ada")),
    events(PING),
  ], { owner: "ada" });

  assertEquals(slept, [100, 162, 262, 424, 100, 162]);
});

Deno.test("awaitClaim() asks again when nothing came for a minute, and finds the claim that it missed", async () => {
  const clock = new VirtualClock(0);
  const askedAt: number[] = [];
  const renewals: unknown[] = [];
  const bytes = new TextEncoder();
  let ping = quiet;
  function fetch(_path: string, { signal }: RequestInit = {}): Promise<Response> {
    askedAt.push(clock.now() / 1000);
    if (askedAt.length === 2) return Promise.resolve(events(claim("ada")));
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        ping = () => controller.enqueue(bytes.encode(PING));
        signal!.addEventListener("abort", () => controller.error(signal!.reason), { once: true });
      },
    });
    return Promise.resolve(new Response(body));
  }
  const stop = new AbortController();
  const waiting = awaitClaim({
    rpc: { fetch },
    renewal: { carried: {}, request: (reason, carry) => void renewals.push([reason, carry]) },
    ...{ clock, log, backoff: new Backoff({ random: () => 0 }) },
  }, stop.signal);
  for (let count = 0; count < 5; count++) {
    await clock.advance(20_000);
    ping();
  }

  await clock.advance(59_000);
  const before = [...askedAt];
  await clock.advance(2_000);
  const after = [...askedAt];
  stop.abort();
  await clock.advance(0);

  assertEquals([before, after], [[0], [0, 160.1]]);
  assertEquals(renewals, [["the workspace was claimed", { owner: "ada" }]]);
  assertEquals(clock.sleeping, 0);
  await waiting;
});
