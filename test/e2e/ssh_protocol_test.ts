/**
 * What OpenSSH's programs cannot be made to say: signals, late requests, clients that misbehave. The client is the library's
 * own, whose server half these tests are about.
 *
 * @module
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect } from "node:net";

import { type SshAgent, startSshAgent } from "../ssh_agent.ts";
import { Client, type Untyped } from "../ssh2_client.ts";

function withClient(name: string, fn: (client: Client, agent: SshAgent) => Promise<void>, config = {}) {
  Deno.test(name, async () => {
    await using agent = await startSshAgent({ config });
    await using client = await Client.connect(agent);
    await fn(client, agent);
  });
}

withClient("a signal reaches the command, whose own exit code comes back", async (client) => {
  const { channel, until, ended } = await client.exec("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  await until("ready");

  channel.signal("TERM");

  assertEquals(await ended, { code: 7, signal: undefined, out: "ready\n" });
});

withClient("a signal that ends the command is told as status 255, never as an exit signal", async (client) => {
  for (const options of [{}, { pty: true }]) {
    const { channel, until, ended } = await client.exec("echo ready; exec sleep 300", options);
    await until("ready");

    channel.signal("KILL");

    const { code, signal } = await ended;
    assertEquals([code, signal], [255, undefined]);
  }
});

withClient("a signal still arrives after the client's end of input", async (client) => {
  const { channel, until, ended } = await client.exec(
    "cat; trap 'exit 9' USR1; echo ready; while :; do sleep 0.01; done",
  );
  channel.end();
  await until("ready");

  client.protocol.signal(channel.outgoing.id, "USR1");

  assertEquals((await ended).code, 9);
});

withClient(
  "requests after the start are answered: success for what is known, failure for what is not",
  async (client) => {
    const { channel, ended } = await client.exec("cat");
    const answers: string[] = [];
    const ask = (request: string) =>
      new Promise<void>((resolve) => {
        channel._callbacks.push((failed: boolean) => {
          answers.push(`${request} ${failed ? "refused" : "taken"}`);
          resolve();
        });
        sendRequest(client.protocol, channel.outgoing.id, request);
      });

    for (const request of ["keepalive@openssh.com", "shell", "break", "no-such@example.org"]) await ask(request);
    channel.end();

    assertEquals(answers, [
      "keepalive@openssh.com taken",
      "shell refused",
      "break refused",
      "no-such@example.org refused",
    ]);
    assertEquals((await ended).code, 0);
  },
);

withClient(
  "terminal modes and window changes reach the terminal, the latter also after the end of input",
  async (client) => {
    const { channel, until, ended } = await client.exec(
      "stty -a | tr ';' '\\n'; trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done",
      { pty: { cols: 91, rows: 31, modes: { ECHO: 0, VINTR: 24 } } },
    );
    await until("ready");

    channel.end();
    client.protocol.windowChange(channel.outgoing.id, 41, 101, 0, 0);

    const { out } = await ended;
    assertMatch(out, /-echo\b/);
    assertStringIncludes(out, "intr = ^X");
    assertStringIncludes(out, "rows 31");
    assertStringIncludes(out, "41 101");
  },
);

withClient("a session with a huge environment is refused what is too much, and runs", async (client) => {
  const env = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`V${n}`, "x".repeat(30_000)]));

  const { ended } = await client.exec("env | grep -c '^V[0-9]'", { env });

  const { code, out } = await ended;
  assertEquals([code, Number(out) < 60], [0, true]);
});

withClient("more channels than the limit are refused, and the others go on", async (client) => {
  const first = await client.exec("cat");
  const second = await client.exec("cat");

  const third = await client.exec("true").then(() => "opened", (error: Error) => error.message);

  assertMatch(third, /open failure|Unable/i);
  first.channel.end("one");
  second.channel.end("two");
  assertEquals([(await first.ended).out, (await second.ended).out], ["one", "two"]);
}, { maxChannels: 2 });

Deno.test("connections over the limit are cut, and a place is free again when one leaves", async () => {
  await using agent = await startSshAgent({ config: { maxLogins: 20 } });
  const sockets = Array.from({ length: 40 }, () => silentClient(agent.port));
  let cut = 0;
  for (const { closed } of sockets) closed.then(() => cut++);

  while (await agent.agent.metric("agent_ssh_refused_connections_total") !== 20 || cut < 20) await turn();
  for (const { socket } of sockets) socket.destroy();
  while (await agent.agent.metric("agent_ssh_connections") !== 0) await turn();

  await using client = await Client.connect(agent);
  assertEquals((await (await client.exec("echo here")).ended).out, "here\n");
});

Deno.test("a client that never says anything is cut when its time is up, and counted", async () => {
  await using agent = await startSshAgent({ config: { loginMs: 1000 } });

  await Promise.all(Array.from({ length: 3 }, () => silentClient(agent.port).closed));

  while (await agent.agent.metric("agent_ssh_server_failed_connections_total") !== 3) await turn();
});

/** A client that connects and waits. */
function silentClient(port: number): { readonly socket: ReturnType<typeof connect>; readonly closed: Promise<void> } {
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => {
    socket.on("error", () => {}); // Cut: that is what is waited for.
    socket.on("close", () => resolve());
  });
  socket.resume();
  return { socket, closed };
}

/** Lets everything that is due happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

Deno.test("a client that speaks nonsense is cut, and others go on", async () => {
  await using agent = await startSshAgent();
  await using client = await Client.connect(agent);
  for (
    const bytes of [
      "GET / HTTP/1.1\r\n\r\n",
      "SSH-2.0-x\r\n" + "\x7f".repeat(64),
      "SSH-1.5-old\r\n",
      "\0".repeat(20_000),
    ]
  ) {
    const socket = connect(agent.port, "127.0.0.1");
    await new Promise<void>((resolve) => {
      socket.on("error", () => {}); // A reset is as good an end as any.
      socket.on("close", () => resolve());
      socket.resume();
      socket.end(bytes);
    });
  }

  assertEquals((await (await client.exec("echo here")).ended).out, "here\n");
});

/** Sends a channel request that the library has no method for, and wants an answer. */
function sendRequest(protocol: Untyped, channel: number, name: string): void {
  const text = new TextEncoder().encode(name);
  let at = protocol._packetRW.write.allocStart;
  const packet = protocol._packetRW.write.alloc(1 + 4 + 4 + text.length + 1);
  const view = new DataView(packet.buffer, packet.byteOffset);
  packet[at] = 98;
  view.setUint32(at += 1, channel);
  view.setUint32(at += 4, text.length);
  packet.set(text, at += 4);
  packet[at + text.length] = 1;
  protocol._cipher.encrypt(protocol._packetRW.write.finalize(packet));
}
