import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import type { Logger, Tasks } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/mod.ts";
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
  const forwards = new RemoteForwards({ tasks, clock: new VirtualClock(), log: LOG, isBlocked: () => false });
  const ask = (request: Partial<ForwardRequest>) =>
    new Promise<boolean>((resolve) => {
      const answers = { succeed: () => resolve(true), fail: () => resolve(false) };
      forwards.handle(connection, { ...request, ...answers } as ForwardRequest);
    });
  return {
    path,
    ended,
    /** Resolves to whether it succeeded. */
    ask: (cancel: boolean) => ask({ kind: "unix", path, cancel }),
    askTcp: (port: number) => ask({ kind: "tcp", address: "127.0.0.1", port, cancel: false }),
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

Deno.test("a forward has a port that is let go while it opens, and one that somebody else has is refused", async () => {
  await using opened = await setUp();
  const [closing, foreign] = [0, 0].map(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));

  const asked = opened.askTcp(closing!.addr.port);
  // In the turn in which it was tried for the first time.
  queueMicrotask(() => closing!.close());

  assertEquals(await asked, true);
  assertEquals(await opened.askTcp(foreign!.addr.port), false);
  foreign!.close();
});

const MODULE = new URL("remote_forward.ts", import.meta.url).href;

/**
 * Forwards a socket in a process of its own, since the umask is one for all threads of a process, and tells who may do what with the
 * socket and its directory in the moment in which the socket appears, and afterwards.
 */
async function modesAround(path: string): Promise<readonly [atOnce: string, directory: string, afterwards: string]> {
  const code = `import { RemoteForwards } from ${JSON.stringify(MODULE)};
    import { dirname } from "node:path";
    const path = ${JSON.stringify(path)};
    const modeOf = (file) => (Deno.lstatSync(file).mode & 0o777).toString(8);
    const seen = [];
    const { listen } = Deno;
    Deno.listen = (options) => {
      const listener = listen(options);
      seen.push(modeOf(path), modeOf(dirname(path)));
      return listener;
    };
    const ended = new AbortController();
    const tasks = { run: (_name, work) => void work(ended.signal) };
    const log = { debug() {}, info: (_text, fields) => console.error(fields), warn() {}, error() {} };
    const forwards = new RemoteForwards({ tasks, clock: {}, log, isBlocked: () => false });
    await new Promise((succeed, fail) =>
      forwards.handle({ signal: ended.signal }, { kind: "unix", path, cancel: false, succeed, fail })
    );
    console.log(JSON.stringify([...seen, modeOf(path)]));
    ended.abort();`;
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", 'umask 022; exec "$0" eval --no-lock "$1"', Deno.execPath(), code],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("the socket of a forward belongs to the user alone from its first moment, where others may enter", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.chmod(directory, 0o755);

    const modes = await modesAround(join(directory, "there.sock"));

    assertEquals(modes, ["600", "755", "600"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the socket of a forward is in a directory of the user alone when its directory is made for it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.chmod(directory, 0o755);

    const [, around, afterwards] = await modesAround(join(directory, "new", "there.sock"));

    assertEquals([around, afterwards], ["700", "600"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
