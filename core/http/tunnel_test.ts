import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";

import { systemClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { bytePipe } from "../rpc/byte_pipe.ts";
import type { ByteStream } from "../rpc/byte_stream.ts";
import type { Exchange } from "./exchange.ts";
import { openTemporaryDirectory } from "../temporary_directory.ts";
import { json } from "./json.ts";
import { serveTestFront } from "./testing_front.ts";
import { Tunnel } from "./tunnel.ts";

async function readAll(stream: ByteStream): Promise<string> {
  let text = "";
  for (let part = await stream.read(); part !== null; part = await stream.read()) {
    text += new TextDecoder().decode(part);
  }
  return text;
}

const log = createLogger({ category: ["test"], clock: systemClock, sink: () => {} });

Deno.test("Tunnel serves one HTTP connection per stream, without a token and as the control plane", async () => {
  const { front } = serveTestFront(({ app }) => app.get("/x", (c) => json(c, (c.env as Exchange).authority)));
  const tunnel = new Tunnel(front, log);
  const [near, far] = bytePipe();

  tunnel.accept(far);
  await near.write(
    new TextEncoder().encode("GET /api/v0/p/x HTTP/1.1\r\nhost: any.example\r\nconnection: close\r\n\r\n"),
  );
  const answer = await readAll(near);

  assertEquals(answer.split("\r\n")[0], "HTTP/1.1 200 OK");
  assertEquals(answer.split("\r\n").at(-1), '"tunnel"\n');
  near.close();
  await tunnel[Symbol.asyncDispose]();
  front.close();
});

Deno.test("Tunnel goes on with what is under way when one more request cannot reach its socket", async () => {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const { front } = serveTestFront(({ app }) =>
    app.get("/slow", async (c) => {
      arrived.resolve();
      await gate.promise;
      return c.text("served");
    })
  );
  let directory = "";
  const tunnel = new Tunnel(front, log, async (prefix) => {
    const opened = await openTemporaryDirectory(prefix);
    directory = opened.path;
    return opened;
  });
  const ask = async () => {
    const [near, far] = bytePipe();
    tunnel.accept(far);
    await near.write(
      new TextEncoder().encode("GET /api/v0/p/slow HTTP/1.1\r\nhost: any.example\r\nconnection: close\r\n\r\n"),
    );
    const answer = await readAll(near);
    near.close();
    return answer.split("\r\n").at(-1);
  };
  const first = ask();
  await arrived.promise;

  // Stands for whatever makes connecting fail while the socket itself is well.
  const socket = join(directory, "http.sock");
  await Deno.rename(socket, `${socket}.away`);
  await Deno.symlink(socket, socket);
  assertEquals(await ask(), "");
  await Deno.remove(socket);
  await Deno.rename(`${socket}.away`, socket);
  const third = ask();
  gate.resolve();

  assertEquals([await first, await third], ["served", "served"]);
  await tunnel[Symbol.asyncDispose]();
  front.close();
});

Deno.test("Tunnel leaves no directory behind where it cannot listen, and tries again", async () => {
  const { front } = serveTestFront(({ app }) => app.get("/x", (c) => c.text("served")));
  const directories: string[] = [];
  const tunnel = new Tunnel(front, log, async (prefix) => {
    // Too long for a socket, the first time.
    const opened = await openTemporaryDirectory(directories.length === 0 ? prefix.padEnd(120, "x") : prefix);
    directories.push(opened.path);
    return opened;
  });
  const ask = async () => {
    const [near, far] = bytePipe();
    tunnel.accept(far);
    await near.write(
      new TextEncoder().encode("GET /api/v0/p/x HTTP/1.1\r\nhost: any.example\r\nconnection: close\r\n\r\n"),
    ).catch(() => {}); // Cut: there is no socket.
    const answer = await readAll(near);
    near.close();
    return answer.split("\r\n").at(-1);
  };

  assertEquals(await ask(), "");
  await assertRejects(() => Deno.stat(directories[0]!), Deno.errors.NotFound);

  assertEquals(await ask(), "served");
  await tunnel[Symbol.asyncDispose]();
  front.close();
});

Deno.test("Tunnel serves on after somebody has cleaned the directory of its socket", async () => {
  const { front } = serveTestFront(({ app }) => app.get("/x", (c) => c.text("served")));
  const directories: string[] = [];
  const tunnel = new Tunnel(front, log, async (prefix) => {
    const directory = await openTemporaryDirectory(prefix);
    directories.push(directory.path);
    return directory;
  });
  const ask = async () => {
    const [near, far] = bytePipe();
    tunnel.accept(far);
    await near.write(
      new TextEncoder().encode("GET /api/v0/p/x HTTP/1.1\r\nhost: any.example\r\nconnection: close\r\n\r\n"),
    );
    const answer = await readAll(near);
    near.close();
    return answer.split("\r\n").at(-1);
  };

  const first = await ask();
  await Deno.remove(directories[0]!, { recursive: true });
  const later = await Promise.all([ask(), ask()]);

  assertEquals([first, ...later, directories.length], ["served", "served", "served", 2]);
  await tunnel[Symbol.asyncDispose]();
  front.close();
});

Deno.test("Tunnel ends its streams when it is disposed, and takes none afterwards", async () => {
  const { front } = serveTestFront(() => {});
  const tunnel = new Tunnel(front, log);
  const [idle, served] = bytePipe();
  const [late, refused] = bytePipe();

  tunnel.accept(served);
  await tunnel[Symbol.asyncDispose]();
  tunnel.accept(refused);

  assertEquals(await readAll(idle), "");
  assertEquals(await readAll(late), "");
  front.close();
});
