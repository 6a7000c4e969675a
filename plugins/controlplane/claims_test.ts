import { assertEquals } from "@std/assert";

import type { Clock, Logger, Renewal } from "../../core/plugin.ts";
import { Backoff } from "../../core/rpc/backoff.ts";
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
  const clock: Clock = { now: () => 0, sleep: (ms) => Promise.resolve(void slept.push(Math.round(ms))) };
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
