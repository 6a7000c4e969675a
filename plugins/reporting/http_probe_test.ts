import { assertEquals } from "@std/assert";

import { systemClock } from "../../core/clock.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { openHttpProbe } from "./http_probe.ts";

const never = new AbortController().signal;
/** Longest wait of a test, in milliseconds; it only ends hangs. */
const HANG_MS = 60_000;

function serve(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  return { url: `http://127.0.0.1:${server.addr.port}/`, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("openHttpProbe() takes any answer below 500 as a good one", async () => {
  await using server = serve((request) =>
    new Response("x", { status: Number(new URL(request.url).pathname.slice(1)) })
  );
  using http = openHttpProbe(systemClock);
  const ask = (status: number) => http.probe(`${server.url}${status}`, HANG_MS, never);

  assertEquals(await Promise.all([200, 404, 499, 500, 503].map(ask)), [true, true, true, false, false]);
});

Deno.test("openHttpProbe() takes no connection, no address and a late answer as bad ones", async () => {
  const arrived = Promise.withResolvers<void>();
  const held = Promise.withResolvers<Response>();
  await using server = serve(() => {
    arrived.resolve();
    return held.promise;
  });
  const clock = new VirtualClock();
  using http = openHttpProbe(clock);

  const late = http.probe(server.url, 999, never);
  await arrived.promise;
  await clock.advance(999);

  assertEquals(await late, false);
  held.resolve(new Response("too late"));
  assertEquals(await http.probe("http://127.0.0.1:1/", HANG_MS, never), false);
  assertEquals(await http.probe("not an address", HANG_MS, never), false);
  assertEquals(await http.probe("file:///etc/passwd", HANG_MS, never), false);
});
