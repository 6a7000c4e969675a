import { assertEquals, assertRejects, assertThrows } from "@std/assert";

import { Agent } from "../proto/gen/agent_pb.ts";
import { Tailnet } from "../proto/gen/tailnet_pb.ts";
import { bytePipe } from "./byte_pipe.ts";
import { RpcError } from "./drpc/error.ts";
import { MultiplexedChannel, serveSession } from "./multiplexed.ts";
import type { ServiceClient, ServiceDescriptor } from "./service.ts";
import { ServiceRouter } from "./service_router.ts";
import { typedClient } from "./typed_client.ts";
import { YamuxSession } from "./yamux/session.ts";

/** A client and a server in one process, over every layer but the socket. */
class Linked implements AsyncDisposable {
  readonly router = new ServiceRouter();
  readonly near: YamuxSession;
  readonly far: YamuxSession;
  readonly errors: unknown[] = [];
  readonly #served: Promise<void>;

  constructor() {
    const [near, far] = bytePipe();
    this.near = new YamuxSession(near, { role: "client" });
    this.far = new YamuxSession(far, { role: "server" });
    this.#served = serveSession(this.far, this.router.handle, { onError: (error) => this.errors.push(error) });
  }

  client<S extends ServiceDescriptor>(service: S): ServiceClient<S> {
    const channel = new MultiplexedChannel(this.near);
    return typedClient(service, () => channel);
  }

  /** Streams that are open on either side, once everything under way has arrived. */
  async openStreams(): Promise<number> {
    await this.near.ping();
    await this.far.ping();
    return this.near.streamCount + this.far.streamCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.near.close();
    await this.#served;
    await Promise.all([this.near.released, this.far.released]);
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function* tunnels(...lengths: number[]) {
  for (const length of lengths) yield await { addTunnel: { id: new Uint8Array(length) } };
}

Deno.test("a unary call carries fields there and a message back", async () => {
  await using linked = new Linked();
  linked.router.add(Agent, {
    updateStartup: ({ startup }) => ({ version: startup?.version, expandedDirectory: `/home/${startup?.version}` }),
  });

  const answer = await linked.client(Agent).updateStartup({ startup: { version: "v1" } });

  assertEquals([answer.version, answer.expandedDirectory], ["v1", "/home/v1"]);
});

Deno.test("a method that was left out is unimplemented, with code 12; an unknown path says which it is", async () => {
  await using linked = new Linked();
  linked.router.add(Agent, {});

  const missing = await assertRejects(() => linked.client(Agent).getManifest({}), RpcError, "Unimplemented");
  const unknown = await assertRejects(() => collect(linked.client(Tailnet).streamDERPMaps({})), RpcError);

  assertEquals([missing.remoteCode, unknown.remoteCode], [12n, 0n]);
  assertEquals(unknown.message, 'protocol error: unknown rpc: "/coder.tailnet.v2.Tailnet/StreamDERPMaps"');
});

Deno.test("a server stream is iterated to its end", async () => {
  await using linked = new Linked();
  linked.router.add(Tailnet, {
    async *streamDERPMaps() {
      for (const regionName of ["a", "b"]) yield await { regions: { "1": { regionName } } };
    },
  });

  const maps = await collect(linked.client(Tailnet).streamDERPMaps({}));

  assertEquals(maps.map((map) => map.regions["1"]!.regionName), ["a", "b"]);
  assertEquals(await linked.openStreams(), 0);
});

Deno.test("a server stream that its reader leaves ends the server's work", async () => {
  await using linked = new Linked();
  const left = Promise.withResolvers<void>();
  linked.router.add(Tailnet, {
    async *streamDERPMaps(_request, { signal }) {
      try {
        while (true) yield await { regions: {} };
      } finally {
        if (signal.aborted) left.resolve();
      }
    },
  });

  for await (const _map of linked.client(Tailnet).streamDERPMaps({})) break;

  await left.promise;
  assertEquals(await linked.openStreams(), 0);
});

Deno.test("messages go both ways at once, and each side may end first", async () => {
  await using linked = new Linked();
  linked.router.add(Tailnet, {
    async *coordinate(requests) {
      for await (const { addTunnel } of requests) {
        if (addTunnel?.id.length === 0) return;
        yield { error: String(addTunnel?.id.length) };
      }
    },
  });
  const { coordinate } = linked.client(Tailnet);

  const all = await collect(coordinate(tunnels(1, 2, 3)));
  const untilZero = await collect(coordinate(tunnels(4, 0, 5)));

  assertEquals([all, untilZero].map((answers) => answers.map(({ error }) => error)), [["1", "2", "3"], ["4"]]);
  assertEquals(await linked.openStreams(), 0);
});

Deno.test("an error among the requests reaches the caller, and the server sees the end", async () => {
  await using linked = new Linked();
  const ended = Promise.withResolvers<number>();
  linked.router.add(Tailnet, {
    async *coordinate(requests) {
      let count = 0;
      try {
        for await (const _request of requests) yield { error: String(++count) };
      } finally {
        ended.resolve(count);
      }
    },
  });
  async function* failing() {
    yield* tunnels(1);
    throw new Error("no more");
  }

  await assertRejects(() => collect(linked.client(Tailnet).coordinate(failing())), Error, "no more");

  assertEquals(await ended.promise <= 1, true);
  assertEquals(await linked.openStreams(), 0);
});

Deno.test("a call that is cancelled aborts the handler and leaves the other calls alone", async () => {
  await using linked = new Linked();
  const begun = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  linked.router.add(Agent, {
    getManifest: (_request, { signal }) => {
      begun.resolve();
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          aborted.resolve();
          resolve({});
        })
      );
    },
    getServiceBanner: () => ({ message: "still here" }),
  });
  const abort = new AbortController();
  const call = linked.client(Agent).getManifest({}, { signal: abort.signal });
  await begun.promise;

  abort.abort(new Error("not needed"));

  await assertRejects(() => call, Error, "not needed");
  await aborted.promise;
  assertEquals((await linked.client(Agent).getServiceBanner({})).message, "still here");
});

Deno.test("a request that is no protobuf is an error to its caller and to nobody else", async () => {
  await using linked = new Linked();
  linked.router.add(Agent, { updateStartup: ({ startup }) => startup ?? {} });
  const channel = new MultiplexedChannel(linked.near);

  await assertRejects(() => channel.invoke("/coder.agent.v2.Agent/UpdateStartup", Uint8Array.of(0xff)), RpcError);

  assertEquals((await linked.client(Agent).updateStartup({ startup: { version: "v2" } })).version, "v2");
  assertEquals(linked.errors, []);
});

Deno.test("add() refuses a service that is there, and takes it again after it was removed", () => {
  const router = new ServiceRouter();
  const service = router.add(Agent, {});

  assertThrows(() => router.add(Agent, {}), Error, '"coder.agent.v2.Agent": it is served already');
  service[Symbol.dispose]();
  router.add(Agent, {});
});

Deno.test("ten thousand calls leave no stream behind", async () => {
  await using linked = new Linked();
  linked.router.add(Agent, { updateStartup: ({ startup }) => startup ?? {} });
  const { updateStartup, getManifest } = linked.client(Agent);

  for (let round = 0; round < 100; round++) {
    await Promise.all(Array.from({ length: 99 }, () => updateStartup({ startup: { version: "v1" } })));
    await assertRejects(() => getManifest({}));
  }

  assertEquals(await linked.openStreams(), 0);
});
