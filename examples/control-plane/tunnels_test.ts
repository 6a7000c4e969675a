import { assertEquals } from "@std/assert";
import { dirname } from "@std/path";

import { systemClock } from "../../core/clock.ts";
import { createLogger } from "../../core/log.ts";
import { bytePipe } from "../../core/rpc/byte_pipe.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { Tunnels } from "./tunnels.ts";

Deno.test("a way to an agent ends in order when somebody has tidied its directory away", async () => {
  const logged: unknown[] = [];
  const log = createLogger({ category: ["test"], sink: ({ message }) => logged.push(message), clock: systemClock });
  const tunnels = new Tunnels(log);
  const [ours, theirs] = bytePipe();
  const session = new YamuxSession(ours, { role: "server", keepAliveMs: 0 });
  const agent = new YamuxSession(theirs, { role: "client", keepAliveMs: 0 });
  tunnels.opened("agent", session);

  const path = await tunnels.socket("agent");
  await Deno.remove(dirname(path), { recursive: true });
  session.close();
  await session.closed;
  await tunnels.ended();
  agent.close();
  await agent.closed;

  assertEquals([tunnels.isOpen("agent"), logged], [false, []]);
});
