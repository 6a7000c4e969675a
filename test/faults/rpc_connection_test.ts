/** The connection to the control plane when the other side is killed, stops in the middle, or says nothing any more. */
import { assert, assertEquals } from "@std/assert";

import { systemClock } from "../../core/clock.ts";
import { RpcUnavailableError } from "../../core/errors.ts";
import type { Logger } from "../../core/plugin.ts";
import { Agent } from "../../core/proto/gen/agent_pb.ts";
import { Backoff } from "../../core/rpc/backoff.ts";
import { bytePipe } from "../../core/rpc/byte_pipe.ts";
import { RpcConnection } from "../../core/rpc/connection.ts";
import { Dialer } from "../../core/rpc/dial.ts";
import { SessionLink } from "../../core/rpc/link.ts";
import { serveSession } from "../../core/rpc/multiplexed.ts";
import { ServiceRouter } from "../../core/rpc/service_router.ts";
import { webSocketStream } from "../../core/rpc/web_socket_stream.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const RESTARTS = 50;

Deno.test("a control plane that is cut off 50 times under load loses no report and gets them in order", async () => {
  const seen: number[] = [];
  const router = new ServiceRouter();
  router.add(Agent, { updateStartup: ({ startup }) => (seen.push(Number(startup?.version)), startup ?? {}) });
  const sessions = new Set<YamuxSession>();
  const served: Promise<void>[] = [];
  let cuts = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.onopen = () => {
      const session = new YamuxSession(webSocketStream(socket), { role: "server" });
      sessions.add(session);
      served.push(serveSession(session, router.handle).then(() => session.released));
    };
    return response;
  });
  const connection = new RpcConnection({
    dial: (signal) => dialer.dial(signal),
    clock: systemClock,
    log: silent,
    backoff: new Backoff({ floorMs: 1, ceilingMs: 5 }),
  });
  const dialer = new Dialer({ url: `http://127.0.0.1:${server.addr.port}`, token: () => "t" });
  const done = Promise.withResolvers<number>();
  let next = 0;
  // Reports once for each connection until it is cut, and repeats what was not answered: the way every report is sent.
  connection.open().whileConnected("report", async (rpc, signal) => {
    const { updateStartup } = rpc.client(Agent);
    for (let sent = 0; !signal.aborted && cuts <= RESTARTS; sent++) {
      await updateStartup({ startup: { version: String(next) } });
      next += 1;
      if (cuts === RESTARTS) return done.resolve(next);
      if (sent === 20) {
        cuts += 1;
        for (const session of sessions) session.close();
        sessions.clear();
      }
    }
  });

  connection.start();
  const total = await done.promise;
  await connection.stop();
  await Promise.all(served);

  const firsts = seen.filter((number, index) => index === 0 || number !== seen[index - 1]);
  assertEquals(firsts, Array.from({ length: total }, (_, index) => index));
  assert(total >= RESTARTS * 20);
});

Deno.test("a peer that says nothing any more is found within a keep-alive and its timeout, and calls say that it is lost", async () => {
  const clock = new VirtualClock();
  let dials = 0;
  const connection = new RpcConnection({
    dial: () => {
      dials += 1;
      // The other end of the pipe is held and never read: half a connection, as after a cut cable.
      const [ours, theirs] = bytePipe();
      held.push(theirs);
      return Promise.resolve(
        new SessionLink(new YamuxSession(ours, { role: "client", clock }), { major: 2, minor: 10 }),
      );
    },
    clock,
    log: silent,
  });
  const held: unknown[] = [];
  const { updateStartup } = connection.open().client(Agent);
  connection.start();
  await clock.advance(0);

  const call = updateStartup({ startup: { version: "v1" } }).catch((error) => error);
  await clock.advance(40_000);
  const error = await call;
  await clock.advance(1_000);

  assert(error instanceof RpcUnavailableError);
  assertEquals([error.reason, dials], ["lost", 2]);
  await connection.stop();
});
