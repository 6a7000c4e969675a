import { assertEquals, assertRejects } from "@std/assert";

import { z } from "zod";

import { untilRefused } from "../socket/testing_refusal.ts";
import { json, readJson } from "./json.ts";
import { listenTcp, listenUnix, reachable } from "./listeners.ts";
import { serveTestFront } from "./testing_front.ts";

async function socketPath(): Promise<{ path: string; directory: string; [Symbol.asyncDispose](): Promise<void> }> {
  const directory = await Deno.makeTempDir();
  return {
    directory,
    path: `${directory}/private/agent.sock`,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

function modeOf(path: string): string {
  return (Deno.lstatSync(path).mode! & 0o777).toString(8);
}

async function getOverUnix(path: string, url: string): Promise<[number, string]> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const response = await fetch(`http://localhost${url}`, { client });
  return [response.status, await response.text()];
}

Deno.test("listenTcp() serves the front on loopback and asks for the token", async () => {
  const { front, headers } = serveTestFront(({ app }) => app.get("/x", (c) => c.text("x")));
  const listener = listenTcp(front, { port: 0 });

  const without = await fetch(`${listener.address}/api/v0/p/x`);
  const answer = await fetch(`${listener.address}/api/v0/p/x`, { headers });

  assertEquals(new URL(listener.address).hostname, "127.0.0.1");
  assertEquals(front.baseUrl, listener.address);
  assertEquals([without.status, (await without.json()).code], [401, "unauthorized"]);
  assertEquals(await answer.text(), "x");
  await listener.close();
  front.close();
});

Deno.test("listenTcp() answers 10 MB of JSON with 413, declared or chunked, and goes on", async () => {
  const { front, headers } = serveTestFront(({ app }) => {
    app.post("/x", async (c) => json(c, (await readJson(c, z.string())).length));
  });
  const listener = listenTcp(front, { port: 0 });
  const text = `"${"a".repeat(10 * 1024 * 1024)}"`;
  const post = (body: BodyInit) => fetch(`${listener.address}/api/v0/p/x`, { method: "POST", body, headers });

  for (const body of [text, new Blob([text]).stream()]) {
    const response = await post(body);
    assertEquals([response.status, (await response.json()).code], [413, "body_too_large"]);
  }
  assertEquals(await (await post('"abc"')).json(), 3);
  await listener.close();
  front.close();
});

Deno.test("close() lets a request finish and cuts it when told to", async () => {
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { front, headers } = serveTestFront(({ app }) => {
    app.get("/gate", async (c) => {
      enter();
      await gate;
      return c.text("through");
    });
    app.get("/hang", (c) => {
      enter();
      return new Promise<Response>((resolve) => {
        c.req.raw.signal.addEventListener("abort", () => resolve(c.text("cut")));
      });
    });
  });
  const first = listenTcp(front, { port: 0 });
  const second = listenTcp(front, { port: 0 });

  const finishing = fetch(`${first.address}/api/v0/p/gate`, { headers });
  await entered;
  const closing = first.close();
  open();
  assertEquals(await (await finishing).text(), "through");
  await closing;

  const hanging = assertRejects(() => fetch(`${second.address}/api/v0/p/hang`, { headers }));
  await second.close(AbortSignal.timeout(100));
  await hanging;
  front.close();
});

Deno.test("listenUnix() makes a private directory and socket, needs no token, and removes the file", async () => {
  await using at = await socketPath();
  const { front } = serveTestFront(({ app }) => app.get("/x", (c) => c.text("x")));
  const umask = Deno.umask();
  const listener = await listenUnix(front, at.path);

  assertEquals([modeOf(at.path), modeOf(`${at.directory}/private`), Deno.umask()], ["600", "700", umask]);
  assertEquals(await getOverUnix(at.path, "/api/v0/p/x"), [200, "x"]);
  await listener.close();
  assertEquals([...Deno.readDirSync(`${at.directory}/private`)], []);
  front.close();
});

Deno.test("listenUnix() replaces the file of a dead server and leaves a live one, other files and directories alone", async () => {
  await using at = await socketPath();
  const { front } = serveTestFront(() => {});
  await Deno.mkdir(`${at.directory}/private`, { mode: 0o755 });
  // Deno removes the file when a listener closes; under another name it stays, as after a crash.
  const crashed = Deno.listen({ transport: "unix", path: `${at.path}.old` });
  await Deno.rename(`${at.path}.old`, at.path);
  crashed.close();
  await untilRefused(() => Deno.connect({ transport: "unix", path: at.path }));
  assertEquals(Deno.lstatSync(at.path).isSocket, true);

  const listener = await listenUnix(front, at.path);
  assertEquals((await getOverUnix(at.path, "/healthz"))[0], 200);
  await assertRejects(() => listenUnix(front, at.path), Deno.errors.AddrInUse, "another server answers");
  assertEquals((await getOverUnix(at.path, "/healthz"))[0], 200);
  assertEquals(modeOf(`${at.directory}/private`), "755");
  await listener.close();

  await Deno.writeTextFile(at.path, "precious");
  await assertRejects(() => listenUnix(front, at.path), Deno.errors.AlreadyExists, "not a socket");
  assertEquals(await Deno.readTextFile(at.path), "precious");
  await assertRejects(() => listenUnix(front, `${at.directory}/${"x".repeat(120)}`), RangeError, "the limit is");
  front.close();
});

Deno.test("Two fronts listen side by side and answer for themselves", async () => {
  const one = serveTestFront(({ app }) => app.get("/x", (c) => c.text("one")));
  const two = serveTestFront(({ app }) => app.get("/x", (c) => c.text("two")));
  const listeners = [listenTcp(one.front, { port: 0 }), listenTcp(two.front, { port: 0 })] as const;

  const answers = await Promise.all(
    [...Array(20).keys()].map(async (index) => {
      const response = await fetch(`${listeners[index % 2 as 0 | 1].address}/api/v0/p/x`, { headers: one.headers });
      return await response.text();
    }),
  );

  assertEquals(new Set(answers.filter((_, index) => index % 2 === 0)), new Set(["one"]));
  assertEquals(new Set(answers.filter((_, index) => index % 2 === 1)), new Set(["two"]));
  for (const listener of listeners) await listener.close();
  one.front.close();
  two.front.close();
});

Deno.test("reachable() names loopback where a server listens on every address", () => {
  assertEquals(reachable("http://0.0.0.0:80"), "http://127.0.0.1:80");
  assertEquals(reachable("http://[::]:80"), "http://[::1]:80");
  assertEquals(reachable("http://192.168.0.2:80"), "http://192.168.0.2:80");
});
