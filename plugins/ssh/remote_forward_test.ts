import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import type { Logger, Tasks } from "../../core/plugin.ts";
import { RemoteForwards } from "./remote_forward.ts";
import type { SshConnection } from "./transport/ssh_connection.ts";
import type { ForwardRequest } from "./transport/ssh_server.ts";

const LOG: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A connection whose client takes nothing, and what its requests were answered. */
async function setUp() {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "there.sock");
  const ended = new AbortController();
  const running: Promise<unknown>[] = [];
  const tasks = {
    run: (_name: string, work: (signal: AbortSignal) => Promise<void>) => void running.push(work(ended.signal)),
  } as unknown as Tasks;
  const connection = {
    signal: ended.signal,
    openForwardedStreamlocal: () => Promise.reject(new Error("not wanted")),
  } as unknown as SshConnection;
  const forwards = new RemoteForwards({ tasks, log: LOG, isBlocked: () => false });
  return {
    path,
    ended,
    /** Resolves to whether it succeeded. */
    ask: (cancel: boolean) =>
      new Promise<boolean>((resolve) => {
        const request = { kind: "unix", path, cancel, succeed: () => resolve(true), fail: () => resolve(false) };
        forwards.handle(connection, request as ForwardRequest);
      }),
    async [Symbol.asyncDispose]() {
      ended.abort();
      await Promise.all(running);
      await Deno.remove(directory, { recursive: true });
    },
  };
}

const knock = async (path: string) => (await Deno.connect({ transport: "unix", path })).close();

Deno.test("a forward that is asked for twice at once is one, and its end with the connection leaves nothing open", async () => {
  await using opened = await setUp();

  const answers = await Promise.all([opened.ask(false), opened.ask(false)]);
  await knock(opened.path);
  opened.ended.abort();

  assertEquals(answers, [true, true]);
  await assertRejects(() => knock(opened.path));
});

Deno.test("a forward that is cancelled while it is being opened is closed", async () => {
  await using opened = await setUp();

  const answers = await Promise.all([opened.ask(false), opened.ask(true)]);

  assertEquals(answers, [true, true]);
  await assertRejects(() => knock(opened.path));
});
