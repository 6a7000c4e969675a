import { assertEquals, assertRejects } from "@std/assert";

import { listenPrivately } from "./private_listener.ts";
import { untilRefused } from "./testing_refusal.ts";

async function socketPath(): Promise<{ path: string; directory: string; [Symbol.asyncDispose](): Promise<void> }> {
  const directory = await Deno.makeTempDir();
  return {
    directory,
    path: `${directory}/new/plugin.sock`,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

function unexpected(error: unknown): void {
  throw error;
}

Deno.test("listenPrivately() hands over connections and closes them when their work is done", async () => {
  await using at = await socketPath();
  const listener = await listenPrivately(at.path, async (connection) => {
    await connection.write(new TextEncoder().encode("hello"));
  }, unexpected);

  const mode = (await Deno.lstat(at.path)).mode! & 0o777;
  const text = await new Response((await Deno.connect({ transport: "unix", path: at.path })).readable).text();

  assertEquals([mode, text], [0o600, "hello"]);
  await listener.close();
  assertEquals([...Deno.readDirSync(`${at.directory}/new`)], []);
});

Deno.test("listenPrivately() aborts and cuts what is open when it closes, and closes once", async () => {
  await using at = await socketPath();
  const { promise: accepted, resolve } = Promise.withResolvers<void>();
  let aborted = false;
  const listener = await listenPrivately(at.path, async (connection, signal) => {
    signal.addEventListener("abort", () => aborted = true);
    resolve();
    await connection.read(new Uint8Array(1));
  }, unexpected);
  using client = await Deno.connect({ transport: "unix", path: at.path });
  await accepted;

  await Promise.all([listener.close(), listener.close()]);

  assertEquals([aborted, await client.read(new Uint8Array(1))], [true, null]);
});

Deno.test("listenPrivately() reports what accept throws and goes on", async () => {
  await using at = await socketPath();
  const failures: unknown[] = [];
  const fault = new Error("bad client");
  const listener = await listenPrivately(at.path, () => Promise.reject(fault), (error) => failures.push(error));

  for (let round = 0; round < 2; round++) {
    using client = await Deno.connect({ transport: "unix", path: at.path });
    assertEquals(await client.read(new Uint8Array(1)), null);
  }

  assertEquals(failures, [fault, fault]);
  await listener.close();
});

Deno.test("listenPrivately() refuses a path where a server answers and replaces the file of a dead one", async () => {
  await using at = await socketPath();
  const first = await listenPrivately(at.path, () => Promise.resolve(), unexpected);
  await assertRejects(() => listenPrivately(at.path, () => Promise.resolve(), unexpected), Deno.errors.AddrInUse);
  await Deno.rename(at.path, `${at.path}.moved`);
  await first.close();
  await Deno.rename(`${at.path}.moved`, at.path);
  await untilRefused(() => Deno.connect({ transport: "unix", path: at.path }));

  const second = await listenPrivately(at.path, () => Promise.resolve(), unexpected);

  (await Deno.connect({ transport: "unix", path: at.path })).close();
  await second.close();
});

Deno.test("a private listener listens again at its path, and keeps its connections", async () => {
  await using at = await socketPath();
  const ending = Promise.withResolvers<void>();
  const listener = await listenPrivately(at.path, async (connection) => {
    await connection.write(new Uint8Array([1]));
    await ending.promise;
    await connection.write(new Uint8Array([2]));
  }, unexpected);
  const connect = () => Deno.connect({ transport: "unix", path: at.path });
  const [byte, two] = [new Uint8Array(1), new Uint8Array(1)];
  using before = await connect();
  await before.read(byte);

  await Deno.remove(`${at.directory}/new`, { recursive: true });
  await listener.restore();
  using after = await connect();
  await after.read(byte);
  ending.resolve();
  await before.read(two);

  assertEquals([byte[0], two[0], (await Deno.lstat(at.path)).mode! & 0o777], [1, 2, 0o600]);
  await listener.close();
  assertEquals([...Deno.readDirSync(`${at.directory}/new`)], []);
});
