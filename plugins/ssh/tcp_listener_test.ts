import { assertEquals, assertRejects } from "@std/assert";

import type { ListenAddress } from "./listen_address.ts";
import { listenTcp } from "./tcp_listener.ts";

const OPTIONS = { accept: (connection: Deno.TcpConn) => connection.close(), failed: () => {} };
const at = (port: number): ListenAddress => ({ host: "127.0.0.1", port, isLoopback: true });

Deno.test("listenTcp() has an address that is let go while it opens", async () => {
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;

  const opening = listenTcp(at(port), OPTIONS);
  other.close();

  await using listener = await opening;
  assertEquals(listener.address, `127.0.0.1:${port}`);
});

Deno.test("listenTcp() names the address that somebody else has, and waits no longer than the plugin lives", async () => {
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;
  const address = `Cannot listen for SSH on 127.0.0.1:${port}: `;
  const stop = new AbortController();

  const opening = listenTcp(at(port), { ...OPTIONS, signal: stop.signal });
  stop.abort(new Error("the plugin stops"));

  await assertRejects(() => opening, Error, `${address}the plugin stops`);
  await assertRejects(() => listenTcp(at(port), OPTIONS), Error, `${address}Address already in use`);
});
