import { assertEquals } from "@std/assert";

import { LastingServer } from "./lasting_server.ts";

/** A server that a test ends as it likes. */
class FakeServer {
  readonly #end = Promise.withResolvers<void>();
  readonly finished = this.#end.promise;
  shutdowns = 0;

  fail(error: Error): void {
    this.#end.reject(error);
  }

  shutdown(): Promise<void> {
    this.shutdowns++;
    this.#end.resolve();
    return this.finished;
  }
}

const asServer = (fake: FakeServer) => fake as unknown as Deno.HttpServer;

Deno.test("LastingServer opens again after the server was lost, as often as it takes, and says both once", async () => {
  const [first, second] = [new FakeServer(), new FakeServer()];
  const said: unknown[] = [];
  const back = Promise.withResolvers<void>();
  let attempts = 0;
  const server = new LastingServer(asServer(first), () => {
    if (++attempts < 3) throw new Error("still none");
    return asServer(second);
  }, {
    cut: new AbortController().signal,
    againMs: 1,
    said: (what, reason) => {
      said.push(what, reason);
      if (what === "back") back.resolve();
    },
  });

  const reason = new Error("Too many open files");
  first.fail(reason);
  await back.promise;

  assertEquals([attempts, said], [3, ["lost", reason, "back", undefined]]);
  await server.shutdown();
  await server.finished;
  assertEquals([first.shutdowns, second.shutdowns], [0, 1]);
});

Deno.test("LastingServer opens nothing once it is shut down or cut, also between two attempts", async () => {
  for (const ending of ["shutdown", "cut"] as const) {
    const fake = new FakeServer();
    const cut = new AbortController();
    const lost = Promise.withResolvers<void>();
    const server = new LastingServer(asServer(fake), () => asServer(new FakeServer()), {
      cut: cut.signal,
      againMs: 1_000_000,
      said: () => lost.resolve(),
    });
    fake.fail(new Error("Too many open files"));
    await lost.promise;

    if (ending === "cut") cut.abort();
    else await server.shutdown();

    await server.finished;
  }
});
