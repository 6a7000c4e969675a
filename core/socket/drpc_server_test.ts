import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { systemClock } from "../clock.ts";
import type { LogFields, Logger } from "../plugin.ts";
import { AgentSocket as AgentSocketService } from "../proto/gen/agentsocket_pb.ts";
import { connByteStream } from "../rpc/conn_byte_stream.ts";
import { DrpcClient } from "../rpc/drpc/client.ts";
import { RpcError } from "../rpc/drpc/error.ts";
import { typedClient } from "../rpc/typed_client.ts";
import { AgentSocket } from "./drpc_server.ts";

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

class Fixture implements AsyncDisposable {
  private constructor(readonly directory: string, readonly path: string) {}
  static async make(): Promise<Fixture> {
    const directory = await Deno.makeTempDir();
    return new Fixture(directory, `${directory}/run/rpc.sock`);
  }
  socket(log: Logger = silent): AgentSocket {
    return new AgentSocket({ path: this.path, clock: systemClock, log });
  }
  async dial(): Promise<DrpcClient> {
    return new DrpcClient(connByteStream(await Deno.connect({ transport: "unix", path: this.path })));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}

Deno.test("AgentSocket serves typed calls, one after the other on one connection, privately", async () => {
  await using fixture = await Fixture.make();
  const socket = fixture.socket();
  const units: string[] = [];
  socket.add(AgentSocketService, {
    ping: () => ({}),
    syncStart: ({ unit }) => (units.push(unit), {}),
    syncReady: ({ unit }) => Promise.reject(new RpcError(`no unit "${unit}"`)),
  });
  await socket.start();
  using client = await fixture.dial();
  const calls = typedClient(AgentSocketService, () => client);

  await calls.ping({});
  await calls.syncStart({ unit: "db" });
  const failure = await assertRejects(() => calls.syncReady({ unit: "web" }), RpcError, 'no unit "web"');
  await calls.ping({});

  assertEquals([units, failure.remoteCode], [["db"], 0n]);
  assertEquals((await Deno.lstat(fixture.path)).mode! & 0o777, 0o600);
  assertEquals((await Deno.lstat(`${fixture.directory}/run`)).mode! & 0o777, 0o700);
  client.close();
  await socket.close();
});

Deno.test("AgentSocket answers Unimplemented to a method that was left out, and names an unknown path", async () => {
  await using fixture = await Fixture.make();
  const socket = fixture.socket();
  socket.add(AgentSocketService, { ping: () => ({}) });
  await socket.start();
  using client = await fixture.dial();

  const missing = await assertRejects(
    () => typedClient(AgentSocketService, () => client).syncList({}),
    RpcError,
    "Unimplemented",
  );
  const unknown = await assertRejects(() => client.invoke("/a.B/C", new Uint8Array(0)), RpcError);

  assertEquals(missing.remoteCode, 12n);
  assertEquals([unknown.message, unknown.remoteCode], ['protocol error: unknown rpc: "/a.B/C"', 0n]);
  client.close();
  await socket.close();
});

Deno.test("AgentSocket makes no socket before there is a service, and none without a path", async () => {
  await using fixture = await Fixture.make();
  const socket = fixture.socket();
  await socket.start();
  const before = socket.path;
  socket.add(AgentSocketService, { ping: () => ({}) });
  await socket.start();
  const off = new AgentSocket({ path: null, clock: systemClock, log: silent });
  off.add(AgentSocketService, { ping: () => ({}) });
  await off.start();

  assertEquals([before, socket.path, off.path], [undefined, fixture.path, undefined]);
  await socket.close();
  await off.close();
});

Deno.test("AgentSocket removes its file when it closes, cancels open calls, and can start again", async () => {
  await using fixture = await Fixture.make();
  const socket = fixture.socket();
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  socket.add(AgentSocketService, {
    ping: (_request, { signal }) => {
      begun.resolve();
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          ended.resolve();
          resolve({});
        })
      );
    },
  });
  await socket.start();
  using client = await fixture.dial();
  const call = assertRejects(() => typedClient(AgentSocketService, () => client).ping({}));
  await begun.promise;

  await socket.close();

  await ended.promise;
  await call;
  assertEquals([...Deno.readDirSync(`${fixture.directory}/run`)], []);
  await socket.start();
  await socket.close();
});

Deno.test("AgentSocket logs that another agent has the path, and leaves that one alone", async () => {
  await using fixture = await Fixture.make();
  const first = fixture.socket();
  first.add(AgentSocketService, { ping: () => ({}) });
  await first.start();
  const lines: string[] = [];
  const log: Logger = {
    ...silent,
    error: (message: string, fields?: LogFields) => void lines.push(`${message} ${fields?.error}`),
  };
  const second = fixture.socket(log);
  second.add(AgentSocketService, { ping: () => ({}) });

  await second.start();

  assertStringIncludes(lines.join(), "cannot serve the agent socket");
  assertStringIncludes(lines.join(), "another server answers there");
  await second.close();
  using client = await fixture.dial();
  await typedClient(AgentSocketService, () => client).ping({});
  client.close();
  await first.close();
});

Deno.test("AgentSocket takes a service away when its plugin stops", async () => {
  await using fixture = await Fixture.make();
  const socket = fixture.socket();
  const service = socket.add(AgentSocketService, { ping: () => ({}) });
  await socket.start();
  using client = await fixture.dial();

  await service[Symbol.asyncDispose]();

  await assertRejects(() => typedClient(AgentSocketService, () => client).ping({}), RpcError, "unknown rpc");
  client.close();
  await socket.close();
});

Deno.test("AgentSocket loads a service when somebody calls, not before", async () => {
  await using fixture = await Fixture.make();
  const socket = fixture.socket();
  let loads = 0;
  const load = () => Promise.resolve((loads++, AgentSocketService));
  socket.add(load, { ping: () => ({}) });
  await socket.start();
  assertEquals(loads, 0);

  const clients = [await fixture.dial(), await fixture.dial()];
  await Promise.all(clients.map((client) => typedClient(AgentSocketService, () => client).ping({})));

  assertEquals(loads, 1);
  for (const client of clients) client.close();
  await socket.close();
});

Deno.test("AgentSocket logs a second provider of a service and keeps serving the first", async () => {
  await using fixture = await Fixture.make();
  const lines: string[] = [];
  const socket = fixture.socket({ ...silent, error: (_message, fields) => void lines.push(String(fields?.error)) });
  socket.add(AgentSocketService, { syncReady: () => ({ ready: true }) });
  socket.add(() => Promise.resolve(AgentSocketService), { syncReady: () => ({ ready: false }) });
  await socket.start();
  using client = await fixture.dial();

  const { ready } = await typedClient(AgentSocketService, () => client).syncReady({ unit: "db" });

  assertEquals(ready, true);
  assertStringIncludes(lines.join(), "it is served already");
  client.close();
  await socket.close();
});

Deno.test("AgentSocket gives a caller that is connected a service that comes later", async () => {
  await using fixture = await Fixture.make();
  const socket = fixture.socket();
  const first = socket.add(AgentSocketService, { ping: () => ({}) });
  await socket.start();
  using client = await fixture.dial();
  const calls = typedClient(AgentSocketService, () => client);
  await calls.ping({});
  await first[Symbol.asyncDispose]();

  socket.add(AgentSocketService, { syncReady: () => ({ ready: true }) });

  assertEquals((await calls.syncReady({ unit: "db" })).ready, true);
  client.close();
  await socket.close();
});
