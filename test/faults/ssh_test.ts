/** SSH clients that vanish, flood and lie: nothing leaks, nothing ends, and the sessions of others go on. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { connect, type Socket } from "node:net";

import { type SshAgent, startSshAgent } from "../ssh_agent.ts";
import { Client, type Untyped } from "../ssh2_client.ts";

const SCALE = Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);
/** Longest wait for a client to be cut, in milliseconds. It only ends hangs. */
const HANG_MS = 60_000;
/** Handshakes that are begun and left, most of them over the limit. */
const HALF_OPEN = 2_000;

/** A test in which somebody else works all the time, and must not notice anything. */
function withBystander(name: string, fn: (agent: SshAgent) => Promise<void>, config = {}): void {
  Deno.test(name, async () => {
    await using agent = await startSshAgent({ config });
    await using bystander = await Client.connect(agent);
    const working = await bystander.exec("cat");
    working.channel.write("before ");

    await fn(agent);

    working.channel.end("after");
    assertEquals((await working.ended).out, "before after");
    while (await agent.agent.metric("agent_ssh_connections") !== 1) await turn();
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A socket that has said `bytes`, and what it hears. */
function rawClient(port: number, bytes: string | Uint8Array = ""): { socket: Socket; closed: Promise<void> } {
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => {
    socket.on("error", () => {}); // Cut: that is what is waited for.
    socket.on("close", () => resolve());
  });
  socket.resume();
  if (bytes.length > 0) socket.write(bytes);
  return { socket, closed };
}

withBystander("a client that vanishes leaves nothing behind, wherever it was", async (agent) => {
  const greeting = "SSH-2.0-vanishing\r\n";
  const steps: Readonly<Record<string, () => Promise<void>>> = {
    "connected": () => vanishRaw(""),
    "in the middle of its greeting": () => vanishRaw(greeting.slice(0, 8)),
    "greeted": () => vanishRaw(greeting),
    "in the middle of a packet": () => vanishRaw(`${greeting}\0\0\x01`),
    "logged in": () => vanish(() => Promise.resolve()),
    "with a command that writes": () => vanish((client) => client.exec("yes")),
    "with a command that reads": () => vanish(async (client) => (await client.exec("cat")).channel.write("x")),
    "with a terminal": () => vanish((client) => client.exec("exec cat", { pty: true })),
    "in the middle of an upload": () =>
      vanish(async (client) => {
        const sftp = await sftpOf(client);
        await call(sftp, "open", `${agent.home}/upload`, "w");
        sftp.writeFile(`${agent.home}/other`, new Uint8Array(1_000_000), () => {});
      }),
    "in the middle of a list": () =>
      vanish(async (client) => void await call(await sftpOf(client), "opendir", agent.home)),
    "with a port forwarded": () => vanish((client) => call(client.library, "forwardIn", "127.0.0.1", 0)),
    "with a connection forwarded": () =>
      vanish((client) => call(client.library, "forwardOut", "127.0.0.1", 1, "127.0.0.1", agent.port)),
    "with a socket forwarded": () =>
      vanish((client) => call(client.library, "openssh_forwardInStreamLocal", `${agent.home}/forwarded`)),
  };
  async function vanishRaw(bytes: string): Promise<void> {
    const { socket, closed } = rawClient(agent.port, bytes);
    await new Promise<void>((resolve) => socket.once("data", () => resolve()));
    socket.destroy();
    await closed;
  }
  async function vanish(act: (client: Client) => Promise<unknown>): Promise<void> {
    const client = await Client.connect(agent);
    await act(client);
    client.cut();
    await client.closed;
  }

  for (const step of Object.keys(steps)) {
    await steps[step]!();
    while (await agent.agent.metric("agent_ssh_connections") !== 1) await turn();
  }

  assertEquals(agent.agent.logs("error"), []);
});

withBystander(`${HALF_OPEN} handshakes that nobody finishes are held to the limit`, async (agent) => {
  const open: Socket[] = [];
  const refused = async () => await agent.agent.metric("agent_ssh_refused_connections_total") ?? 0;
  for (let begun = 0; begun < HALF_OPEN * SCALE; begun += 100) {
    const clients = Array.from({ length: 100 }, () => rawClient(agent.port, "SSH-2.0-slow\r\n"));
    open.push(...clients.map(({ socket }) => socket));
    while (open.filter(({ destroyed, readableEnded }) => !destroyed && !readableEnded).length > 100) await turn();
  }

  while (await refused() < HALF_OPEN * SCALE - 100) await turn();
  assertEquals(await agent.agent.metric("agent_ssh_connections"), 101);
  for (const socket of open) socket.destroy();
  while (await agent.agent.metric("agent_ssh_connections") !== 1) await turn();
  await using client = await Client.connect(agent);
  assertEquals((await (await client.exec("echo here")).ended).out, "here\n");
});

withBystander("a flood of channels is refused from the limit on, and those within it work", async (agent) => {
  await using client = await Client.connect(agent);
  const first = await client.exec("cat");
  const outcomes = await Promise.all(
    Array.from(
      { length: 500 },
      () =>
        call(client.library, "forwardOut", "127.0.0.1", 1, "127.0.0.1", agent.port).then(
          (channel) => channel,
          () => {},
        ),
    ),
  );

  const opened = outcomes.filter((channel) => channel !== undefined);
  assertEquals(opened.length, 49);
  first.channel.end("still here");
  assertEquals((await first.ended).out, "still here");
  for (const channel of opened) channel.destroy();
}, { maxChannels: 50 });

/** Sends one packet as it is. */
function sendPacket({ protocol }: Client, payload: readonly number[] | Uint8Array): void {
  const packet = protocol._packetRW.write.alloc(payload.length);
  packet.set(payload, protocol._packetRW.write.allocStart);
  protocol._cipher.encrypt(protocol._packetRW.write.finalize(packet));
}

withBystander("packets that are malformed cut their own connection at most", async (agent) => {
  const text = (value: string) => [0, 0, 0, value.length, ...new TextEncoder().encode(value)];
  const packets: Readonly<Record<string, readonly number[]>> = {
    "an unknown message": [250, 1, 2, 3],
    "a message of one byte": [98],
    "a request that claims more than it has": [98, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1],
    "a pty-req without its end": [98, 0, 0, 0, 0, ...text("pty-req"), 1, ...text("xterm"), 0, 0],
    "an open without a type": [90, 0, 0, 0, 0],
    "an open with a type of 4 GiB": [90, 0xff, 0xff, 0xff, 0xff],
    "data for no channel": [94, 0, 0, 0xff, 0xff, 0, 0, 0, 1, 1],
    "a close for no channel": [97, 0, 0, 0xff, 0xff],
    "a request for no channel": [98, 0, 0, 0xff, 0xff, ...text("exec"), 1, ...text("true")],
    "an adjustment for no channel": [93, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    "a failure of no request": [100, 0, 0, 0, 0],
    "a login once more": [50, ...text("x"), ...text("ssh-connection"), ...text("none")],
    "a key exchange of nonsense": [20, ...new Array(16).fill(0), 0xff, 0xff],
    "a global request without a name": [80],
    "a forward without an address": [80, ...text("tcpip-forward"), 1],
  };
  for (const [what, packet] of Object.entries(packets)) {
    const client = await Client.connect(agent);
    const channel = (await client.exec("cat")).channel;
    sendPacket(client, packet);
    // Either the server has cut the connection, or it answers as before.
    const ended = deadline(client.closed, HANG_MS).then(() => "cut");
    const answered = new Promise<string>((resolve) => channel.once("data", (bytes: Uint8Array) => resolve(`${bytes}`)));
    channel.write("?");
    const outcome = await Promise.race([ended, answered]);
    assert(outcome === "cut" || outcome === "?", what);
    client.cut();
    await ended;
  }

  assertEquals(agent.agent.logs("error"), []);
});

withBystander("a client that sends more than the window is cut, and what it sent is not kept", async (agent) => {
  const client = await Client.connect(agent);
  const { channel } = await client.exec("echo ready; exec sleep 300");
  await new Promise((resolve) => channel.once("data", resolve));
  const before = Deno.memoryUsage().rss;

  const packet = new Uint8Array(32 * 1024);
  let sent = 0;
  client.closed.then(() => sent = Infinity);
  while (sent < 256 * 1024 * 1024) {
    client.protocol.channelData(channel.outgoing.id, packet);
    sent += packet.length;
    await turn();
  }

  await deadline(client.closed, HANG_MS);
  assertEquals(sent, Infinity);
  assert(Deno.memoryUsage().rss - before < 128 * 1024 * 1024);
  assertMatch(failureOf(agent), /^The client sent 32768 bytes into a window of \d+$/);
});

withBystander("a client that takes packets of no bytes is cut, before anything is sent to it", async (agent) => {
  for (const size of [0, 1, 255]) {
    const client = await Client.connect(agent);
    const id = client.library._chanMgr.add(() => {});
    client.protocol.session(id, 2 ** 20, size);
    await deadline(client.closed, HANG_MS);
    assertEquals(failureOf(agent), `The client takes packets of ${size} bytes, the least is 256`);
  }
});

withBystander(
  "windows that are opened beyond every number do no harm, and one of nothing stalls its own session",
  async (agent) => {
    await using client = await Client.connect(agent);
    const stalled = await client.exec("yes");
    stalled.channel.pause();
    const other = await client.exec("read x; head -c 3000000 /dev/zero | wc -c");
    for (let n = 0; n < 20; n++) client.protocol.channelWindowAdjust(other.channel.outgoing.id, 0xffffffff);

    other.channel.write("go\n");

    assertEquals((await other.ended).out.trim(), "3000000");
    stalled.channel.close();
  },
);

/** Why the last connection failed, as the log has it. */
function failureOf(agent: SshAgent): string {
  return String(agent.agent.logs("debug").findLast(({ message }) => message === "connection failed")?.fields.error);
}

withBystander(
  "paths that climb and links in circles end in an answer, and reach what the user may reach",
  async (agent) => {
    await Deno.mkdir(`${agent.home}/inner`);
    await Deno.writeTextFile(`${agent.home}/file`, "text");
    await Deno.symlink("loop-b", `${agent.home}/loop-a`);
    await Deno.symlink("loop-a", `${agent.home}/loop-b`);
    await Deno.symlink("/no/such/place", `${agent.home}/dangling`);
    await using client = await Client.connect(agent);
    const sftp = await sftpOf(client);
    const outcome = (method: string, ...args: unknown[]) =>
      call(sftp, method, ...args).then((value) => value, (error: { code?: unknown }) => `refused ${error.code}`);

    assertEquals(await outcome("realpath", `${"../".repeat(50)}`), "/");
    assertEquals(await outcome("realpath", "inner/../file"), `${agent.home}/file`);
    assertEquals(await outcome("readlink", "dangling"), "/no/such/place");
    for (
      const [method, ...args] of [
        ["stat", "loop-a"],
        ["realpath", "loop-a"],
        ["open", "loop-a", "r"],
        ["opendir", "loop-b"],
        ["open", "inner", "w"],
        ["open", "dangling", "wx"],
        ["rmdir", "."],
        ["unlink", "inner"],
        ["rename", "inner", "inner/below/itself"],
        ["mkdir", "\0"],
        ["open", `${"x".repeat(5000)}`, "w"],
        ["stat", `${"y/".repeat(100_000)}`],
      ] as const
    ) {
      assertMatch(String(await outcome(method, ...args)), /^refused [234]$/, `${method} ${args[0].slice(0, 20)}`);
    }
    // A link is removed and renamed, not what it leads to.
    // This client has the two names the other way round for servers with another name than OpenSSH.
    await call(sftp, "symlink", "link", "file");
    await call(sftp, "unlink", "link");
    assertEquals(await Deno.readTextFile(`${agent.home}/file`), "text");
  },
);

function sftpOf(client: Client): Promise<Untyped> {
  return call(client.library, "sftp");
}

/** Calls a method whose last argument is a callback. */
function call(target: Untyped, method: string, ...args: unknown[]): Promise<Untyped> {
  return new Promise((resolve, reject) => {
    target[method](...args, (error: Error | undefined, value: unknown) => error ? reject(error) : resolve(value));
  });
}
