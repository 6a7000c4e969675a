import { assertEquals } from "@std/assert";

import type { Needs, PluginContext, RpcRoutine } from "../plugin.ts";
import type { Conversation } from "./conversation.ts";
import { tellOfControlPlane } from "./host_side.ts";

Deno.test("tellOfControlPlane() says that a connection is gone that was lost while the program was told of it", async () => {
  const lost = new AbortController();
  let routine: RpcRoutine | undefined;
  const rpc = { whileConnected: (_name: string, work: RpcRoutine) => void (routine = work) };
  const sent: string[] = [];
  const conversation = {
    send(type: string) {
      sent.push(type);
      lost.abort();
      return Promise.resolve();
    },
  };

  tellOfControlPlane({ rpc } as unknown as PluginContext<unknown, Needs>, conversation as unknown as Conversation);
  await routine!({} as Parameters<RpcRoutine>[0], lost.signal);

  assertEquals(sent, ["rpc.connected", "rpc.disconnected"]);
});
