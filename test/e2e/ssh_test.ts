import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { connect } from "node:net";

import { LatestValue } from "../../core/latest_value.ts";
import { closedPort } from "../../core/socket/testing_refusal.ts";
import { fake } from "../../core/testing/mod.ts";
import {
  type Banner,
  BannerFeed,
  ConnectionReports,
  type Manifest,
  ManifestFeed,
} from "../../plugins/controlplane/service.ts";
import { SshTransport } from "../../plugins/ssh/service.ts";
import { hasProgram, type SshAgent, startSshAgent } from "../ssh_agent.ts";

const ignore = !hasProgram("ssh");

/** A test with an agent of its own and OpenSSH's client. */
function withSsh(
  name: string,
  fn: (agent: SshAgent) => Promise<void>,
  options: Parameters<typeof startSshAgent>[0] = {},
) {
  Deno.test({
    name: ignore ? `${name} (skipped: no program ssh)` : name,
    ignore,
    fn: async () => {
      await using agent = await startSshAgent(options);
      await fn(agent);
    },
  });
}

withSsh("ssh runs a command, keeps the two outputs apart and brings its exit code", async (agent) => {
  const result = await agent.ssh("echo out; echo err >&2; exit 7");

  assertEquals(result, { code: 7, out: "out\n", err: "err\n" });
});

withSsh("ssh starts commands in the agent's configured directory, else at home", async (agent) => {
  assertEquals((await agent.ssh("pwd")).out, `${agent.home}\n`);
  const directory = await Deno.makeTempDir();
  await using configured = await startSshAgent({ agent: { directory } });

  assertEquals((await configured.ssh("pwd")).out, `${directory}\n`);
  await Deno.remove(directory);
});

withSsh("ssh hands its input on, and the end of it", async (agent) => {
  assertEquals((await agent.ssh("cat; echo end", { input: "data\n" })).out, "data\nend\n");
  assertEquals((await agent.ssh("cat; echo end", { flags: ["-n"] })).out, "end\n");
});

withSsh("ssh reports 127 for an unknown command and 255 for one that a signal ended", async (agent) => {
  assertEquals((await agent.ssh("no-such-command")).code, 127);
  assertEquals((await agent.ssh("kill -KILL $$")).code, 255);
  assertEquals((await agent.ssh("kill -TERM $$", { flags: ["-tt"] })).code, 255);
});

withSsh("ssh reports 229 when the session cannot be started, and says why", async (agent) => {
  const { code, err } = await agent.ssh("true");

  assertEquals(code, 229);
  assertStringIncludes(err, "Cannot start");
}, { env: { HOME: "/no/such/home" } });

withSsh("SshTransport counts sessions and connections while they last, and bytes for good", async (agent) => {
  const transport = agent.agent.service(SshTransport);
  assertEquals([transport.connections(), transport.traffic()], [0, { received: 0, sent: 0 }]);
  const client = agent.spawn(["ssh", "workspace", "echo started; exec sleep 1000"]);
  const output = client.stdout.getReader();
  await output.read();

  assertEquals([transport.sessions(), transport.connections()], [{ ssh: 1, vscode: 0, jetbrains: 0 }, 1]);
  const open = transport.traffic();
  client.kill("SIGKILL");
  while (!(await output.read()).done);
  await Promise.allSettled([client.stderr.cancel(), client.stdin.close()]);
  await client.status;
  while (transport.connections() > 0) await turn();

  const { received, sent } = transport.traffic();
  assert(open.received > 1000 && open.sent > 1000 && received >= open.received && sent >= open.sent);
});

withSsh("ssh without a command gives a login shell", async (agent) => {
  const { code, out } = await agent.ssh(undefined, { input: "shopt -q login_shell && echo login; exit 4\n" });

  assertEquals([code, out], [4, "login\n"]);
});

withSsh("ssh -tt gives a terminal that echoes, and the shell's exit code", async (agent) => {
  const { code, out } = await agent.ssh(undefined, { flags: ["-tt"], input: "echo $((40 + 2)); exit 3\n" });

  assertEquals(code, 3);
  assertStringIncludes(out, "echo $((40 + 2))");
  assertMatch(out, /42\r\n/);
});

withSsh("ssh -tt names the terminal and its type to the command", async (agent) => {
  const { out } = await agent.ssh('echo "$TERM"; [ "$(tty)" = "$SSH_TTY" ] && echo same; stty size', {
    flags: ["-tt"],
    env: { TERM: "vt220" },
  });

  assertEquals(out, "vt220\r\nsame\r\n24 80\r\n");
});

withSsh("ssh -tt loses no output of quick commands and no long line", async (agent) => {
  for (let round = 0; round < 5; round++) {
    assertEquals((await agent.ssh(`echo ${round}`, { flags: ["-tt"] })).out, `${round}\r\n`);
  }
  const { out } = await agent.ssh("printf '%06000d' 0", { flags: ["-tt"] });
  assertEquals(out, "0".repeat(6000));
});

withSsh(
  "ssh passes variables on, below those of the workspace, without those that speak to the agent",
  async (agent) => {
    const flags = ["-o", "SetEnv=MINE=yes CODER_SSH_SESSION_TYPE=vscode USER=somebody"];

    const { out } = await agent.ssh(
      'echo "$MINE,$CODER_SSH_SESSION_TYPE,$USER,$LOGNAME,$SHELL"; echo "${SSH_CLIENT% * *} ${SSH_CONNECTION:+there}"',
      { flags },
    );

    const user = (await new Deno.Command("id", { args: ["-un"] }).output()).stdout;
    const name = new TextDecoder().decode(user).trim();
    assertMatch(out, new RegExp(`^yes,,${name},${name},/\\S+\n127.0.0.1 there\n$`));
  },
);

withSsh("a script with a first line for an interpreter runs in it", async (agent) => {
  assertEquals((await agent.ssh("#!/bin/bash\n  echo in $0\n")).out, "in /bin/bash\n");
  assertEquals((await agent.ssh("#!/usr/bin/env WORD=there bash\necho $WORD\n")).out, "there\n");
});

withSsh("20 MB on each output arrive whole at a reader that waits", async (agent) => {
  const bytes = 20_000_000;
  const child = agent.spawn(["ssh", "workspace", `head -c ${bytes} /dev/zero & head -c ${bytes} /dev/zero >&2; wait`]);
  await child.stdin.close();

  async function count(stream: ReadableStream<Uint8Array>): Promise<number> {
    let sum = 0;
    for await (const chunk of stream) {
      sum += chunk.length;
      await turn();
    }
    return sum;
  }

  assertEquals(await Promise.all([count(child.stdout), count(child.stderr)]), [bytes, bytes]);
  assertEquals((await child.status).code, 0);
});

withSsh("20 MB of input arrive whole", async (agent) => {
  const input = new Uint8Array(20_000_000).fill(7);

  assertEquals((await agent.ssh("wc -c", { input })).out.trim(), "20000000");
});

withSsh("many sessions share one connection", async (agent) => {
  const socket = join(agent.home, "control");
  const flags = ["-o", `ControlPath=${socket}`];
  const master = agent.spawn(["ssh", "-o", "ControlMaster=yes", ...flags, "workspace", "echo up; cat"]);
  const reader = master.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "up\n");

  const outputs = await Promise.all(
    Array.from({ length: 50 }, (_, n) => agent.ssh(`echo ${n}`, { flags }).then(({ out }) => out)),
  );

  assertEquals(outputs, Array.from({ length: 50 }, (_, n) => `${n}\n`));
  await master.stdin.close();
  await reader.cancel();
  await master.stderr.cancel();
  assertEquals((await master.status).code, 0);
});

withSsh("a new key exchange in the middle disturbs nothing", async (agent) => {
  const { code, out } = await agent.ssh("head -c 8000000 /dev/zero | tee >(wc -c >&2)", {
    flags: ["-o", "RekeyLimit=1M"],
  });

  assertEquals([code, out.length], [0, 8_000_000]);
});

withSsh("a client that leaves ends the command's input, and the command goes on", async (agent) => {
  const file = join(agent.home, "seen");
  const child = agent.spawn(["ssh", "workspace", `echo ready; cat; echo $? >${file}.draft; mv ${file}.draft ${file}`]);
  const reader = child.stdout.getReader();
  await reader.read();
  const watcher = Deno.watchFs(agent.home);

  child.kill("SIGKILL");

  for await (const { paths } of watcher) if (paths.includes(file)) break;
  assertEquals(await Deno.readTextFile(file), "0\n");
  await reader.cancel();
  await Promise.all([child.stderr.cancel(), child.stdin.close().catch(() => {}), child.status]);
});

withSsh("a client that leaves takes the terminal's command with it", async (agent) => {
  const child = agent.spawn(["ssh", "-tt", "workspace", "echo $$; exec sleep 300"]);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const pid = Number((await reader.read()).value);

  child.kill("SIGKILL");

  while (isAlive(pid)) await turn();
  await reader.cancel();
  await Promise.all([child.stderr.cancel(), child.stdin.close().catch(() => {}), child.status]);
});

withSsh(
  "stopping the agent ends every session, with and without a terminal, whatever its command resists",
  async (agent) => {
    const stubborn = "trap '' HUP TERM INT; echo ready; while :; do sleep 60; done";
    const children = [[], [], ["-tt"], ["-tt"]].map((flags) => agent.spawn(["ssh", ...flags, "workspace", stubborn]));
    const readers = children.map((child) => child.stdout.pipeThrough(new TextDecoderStream()).getReader());
    for (const reader of readers) assertStringIncludes((await reader.read()).value ?? "", "ready");

    const report = await agent.agent.stop();

    assertEquals(report.unfinished, []);
    for (const [index, child] of children.entries()) {
      let rest = "";
      for (let part = await readers[index]!.read(); !part.done; part = await readers[index]!.read()) rest += part.value;
      assertEquals(rest.includes("The agent is stopping."), index >= 2);
      await Promise.all([child.stderr.cancel(), child.stdin.close().catch(() => {})]);
      assertEquals((await child.status).code, 255);
    }
  },
);

withSsh("only a client with one of the keys comes in", async () => {
  const directory = await Deno.makeTempDir();
  const file = join(directory, "authorized_keys");
  const types = [["ed25519"], ["rsa", "-b", "2048"], ["ecdsa", "-b", "256"]];
  for (const [type, ...bits] of types) await keygen(join(directory, type!), ["-t", type!, ...bits]);
  await keygen(join(directory, "other"), ["-t", "ed25519"]);
  await using agent = await startSshAgent({
    config: {
      allowAnonymous: false,
      authorizedKeysFile: file,
      authorizedKeys: [await publicKey(directory, "ed25519")],
    },
  });
  await Deno.writeTextFile(file, `# keys\n${await publicKey(directory, "rsa")}${await publicKey(directory, "ecdsa")}`);

  const codes: Record<string, number> = {};
  for (const name of ["ed25519", "rsa", "ecdsa", "other"]) {
    codes[name] = (await agent.ssh("exit 3", { flags: ["-i", join(directory, name), "-o", "BatchMode=yes"] })).code;
  }

  assertEquals(codes, { ed25519: 3, rsa: 3, ecdsa: 3, other: 255 });
  // The client leaves first, the count follows.
  while (await agent.agent.metric("agent_ssh_server_failed_connections_total") !== 1) await turn();
  await Deno.remove(directory, { recursive: true });
});

withSsh("the host key is made once and kept for the user alone", async (agent) => {
  const file = join(agent.home, "host_key");
  const before = await Deno.readTextFile(file);

  await agent.agent.restart();

  assertEquals(await Deno.readTextFile(file), before);
  assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
});

withSsh("the private listener lets in who may open its socket", async () => {
  const directory = await Deno.makeTempDir();
  const unix = join(directory, "private", "ssh.sock");
  await using agent = await startSshAgent({ config: { listen: null, allowAnonymous: false, unix } });

  assertEquals((await Deno.stat(unix)).mode! & 0o777, 0o600);
  const proxy = join(directory, "proxy.ts");
  await Deno.writeTextFile(proxy, PROXY);
  const { code, out } = await agent.ssh("echo hello", {
    flags: ["-o", `ProxyCommand=${Deno.execPath()} run -A --no-config ${proxy} ${unix}`],
  });

  assertEquals([code, out], [0, "hello\n"]);
  await Deno.remove(directory, { recursive: true });
});

withSsh("metrics count shells and commands by kind", async (agent) => {
  await agent.ssh("true");
  await agent.ssh("true", { flags: ["-tt"] });
  await agent.ssh("true", { flags: ["-o", "SetEnv=CODER_SSH_SESSION_TYPE=VSCode"] });

  assertEquals(await agent.agent.metric("agent_sessions_total", { magic_type: "ssh", pty: "no" }), 1);
  assertEquals(await agent.agent.metric("agent_sessions_total", { magic_type: "ssh", pty: "yes" }), 1);
  assertEquals(await agent.agent.metric("agent_sessions_total", { magic_type: "vscode", pty: "no" }), 1);
  assertEquals(await agent.agent.metric("agent_ssh_server_failed_connections_total"), 0);
});

withSsh("forbidden file transfers end with status 65 and the message that scp shows", async (agent) => {
  for (const command of ["nc -h", "rsync --version", "/usr/bin/scp -t .", "'sftp' x"]) {
    assertEquals(await agent.ssh(command), { code: 65, out: "\x02File transfer has been disabled.\n", err: "" });
  }
  assertEquals((await agent.ssh("echo scp")).code, 0);
}, { config: { blockFileTransfer: true } });

withSsh(
  "a login shows the message of the day with the terminal's line ends, unless the home is hushed",
  async (agent) => {
    const motd = join(agent.home, "motd");
    await Deno.writeTextFile(motd, "first\nlast");
    const login = () => agent.ssh(undefined, { flags: ["-tt"], input: "exit\n" }).then(({ out }) => out);
    await using greeting = await startSshAgent({ config: { motdFile: motd }, env: { PS1: "" } });

    const shown = await greeting.ssh(undefined, { flags: ["-tt"], input: "exit\n" });
    const command = await greeting.ssh("true", { flags: ["-tt"] });
    await Deno.writeTextFile(join(greeting.home, ".hushlogin"), "");
    const hushed = await greeting.ssh(undefined, { flags: ["-tt"], input: "exit\n" });

    assert(shown.out.startsWith("first\r\nlast\r\n"), shown.out);
    assertEquals([command.out, hushed.out.includes("first"), (await login()).includes("first")], ["", false, false]);
  },
);

withSsh("ssh -L carries a port, and the end of each direction", async (agent) => {
  await using echo = echoServer();
  const port = await closedPort();
  await using forward = await forwarding(agent, ["-L", `127.0.0.1:${port}:127.0.0.1:${echo.port}`]);

  assertEquals(await ask(await Deno.connect({ port }), "hello"), "hello, end");
  await forward.end();
});

withSsh("ssh -R carries a port of the workspace to the client's side", async (agent) => {
  await using echo = echoServer();
  const port = await closedPort();
  await using forward = await forwarding(agent, ["-R", `127.0.0.1:${port}:127.0.0.1:${echo.port}`]);

  assertEquals(await ask(await Deno.connect({ port }), "hello"), "hello, end");
  await forward.end();
  while (await isListening(port)) await turn();
});

withSsh("ssh -R with port 0 tells which port was bound", async (agent) => {
  await using echo = echoServer();
  await using forward = await forwarding(agent, ["-R", `127.0.0.1:0:127.0.0.1:${echo.port}`]);
  while (!forward.errors().includes("Allocated port")) await turn();
  const port = Number(/Allocated port (\d+)/.exec(forward.errors())?.[1]);

  assertEquals(await ask(await Deno.connect({ port }), "hello"), "hello, end");
  await forward.end();
});

withSsh("ssh -L and -R carry Unix sockets", async (agent) => {
  await using echo = echoServer(join(agent.home, "echo.sock"));
  const [here, there] = [join(agent.home, "here.sock"), join(agent.home, "made", "there.sock")];
  await using forward = await forwarding(agent, ["-L", `${here}:${echo.path}`, "-R", `${there}:${echo.path}`]);

  assertEquals(await ask(await Deno.connect({ transport: "unix", path: here }), "one"), "one, end");
  assertEquals(await ask(await Deno.connect({ transport: "unix", path: there }), "two"), "two, end");
  assertEquals((await Deno.stat(join(agent.home, "made"))).mode! & 0o777, 0o700);
  await forward.end();
});

withSsh("ssh -D lets programs choose where to connect to, and -N needs no session", async (agent) => {
  await using echo = echoServer();
  const port = await closedPort();
  const child = agent.spawn(["ssh", "-N", "-D", `127.0.0.1:${port}`, "workspace"]);
  while (!await isListening(port)) await turn();

  const socket = await Deno.connect({ port });
  await socket.write(new Uint8Array([5, 1, 0])); // SOCKS 5 without a login, RFC 1928.
  assertEquals(await readBytes(socket, 2), [5, 0]);
  await socket.write(new Uint8Array([5, 1, 0, 1, 127, 0, 0, 1, echo.port >> 8, echo.port & 0xff]));
  assertEquals((await readBytes(socket, 10)).slice(0, 2), [5, 0]);

  assertEquals(await ask(socket, "hello"), "hello, end");
  assertEquals(await agent.agent.metric("agent_sessions_total", { magic_type: "ssh", pty: "no" }), undefined);
  child.kill("SIGTERM");
  await Promise.all([child.stdout.cancel(), child.stderr.cancel(), child.stdin.close(), child.status]);
});

withSsh("a tunnel to a JetBrains back end is counted while it is open, and reported; others are not", async () => {
  const reports: string[] = [];
  const connected = (kind: string) => {
    reports.push(kind);
    return (status: number, reason: string) => reports.push(`${status} ${reason}`);
  };
  await using agent = await startSshAgent({ services: [fake(ConnectionReports, { connected })] });
  const transport = agent.agent.service(SshTransport);
  await using other = echoServer();
  const program = `const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);
for await (const socket of listener) await socket.readable.pipeTo(socket.writable);`;
  const backend = new Deno.Command("bash", {
    args: ["-c", 'exec -a remote-dev-server.sh "$0" eval "$1"', Deno.execPath(), program],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = backend.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = Number((await lines.read()).value);

  await agent.ssh(undefined, { flags: ["-W", `127.0.0.1:${other.port}`], input: "x" });
  const tunnel = agent.spawn(["ssh", "-W", `127.0.0.1:${port}`, "workspace"]);
  while (transport.sessions().jetbrains !== 1) await turn();
  assertEquals(reports, ["jetbrains"]);
  await tunnel.stdin.close();
  await Promise.all([tunnel.stdout.cancel(), tunnel.stderr.cancel(), tunnel.status]);
  while (transport.sessions().jetbrains !== 0) await turn();

  assertEquals(reports, ["jetbrains", "0 "]);
  backend.kill("SIGTERM");
  await Promise.all([lines.cancel(), backend.status]);
});

withSsh("ssh -L to a closed port is refused with the reason", async (agent) => {
  const closed = await closedPort();

  const { err } = await agent.ssh(undefined, { flags: ["-W", `127.0.0.1:${closed}`, "-o", "LogLevel=INFO"] });

  assertMatch(err, /connect failed: .*refused/i);
});

withSsh("forwarding that is blocked is refused", async (agent) => {
  const local = await agent.ssh(undefined, { flags: ["-W", "127.0.0.1:1", "-o", "LogLevel=INFO"] });
  const remote = await agent.ssh("true", { flags: ["-R", "0:127.0.0.1:1", "-o", "ExitOnForwardFailure=yes"] });

  assertStringIncludes(local.err, "administratively prohibited: port forwarding is disabled");
  assertEquals(remote.code, 255);
}, { config: { blockLocalForwarding: true, blockReverseForwarding: true } });

withSsh("ssh -A brings the client's key agent, and takes its socket away again", async (agent) => {
  const key = join(agent.home, "key");
  const socket = join(agent.home, "agent.sock");
  await keygen(key, ["-t", "ed25519", "-C", "the-forwarded-key"]);
  const keyAgent = new Deno.Command("ssh-agent", { args: ["-D", "-a", socket], stdout: "null" }).spawn();
  const env = { SSH_AUTH_SOCK: socket };
  while (!(await new Deno.Command("ssh-add", { args: ["-q", key], env, stderr: "null" }).output()).success) {
    await turn();
  }

  const { out } = await agent.ssh("ssh-add -l; echo $SSH_AUTH_SOCK", { flags: ["-A"], env });
  const back = 'until [ -S "$SSH_AUTH_SOCK" ]; do sleep 0.1; done; stat -c %a "$SSH_AUTH_SOCK"; ssh-add -l';
  const tidy = `rm -r "$(dirname "$SSH_AUTH_SOCK")"; echo $SSH_AUTH_SOCK; ${back}`;
  const tidied = await agent.ssh(`${tidy}; ${tidy}; rm -r "$(dirname "$SSH_AUTH_SOCK")"`, { flags: ["-A"], env });
  const without = await agent.ssh("echo ${SSH_AUTH_SOCK-none}", { env });

  const [listed = "", path = ""] = out.split("\n");
  assertStringIncludes(listed, "the-forwarded-key");
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  const [again = "", mode, relisted = "", ...second] = tidied.out.trim().split("\n");
  assertEquals([tidied.code, mode, second], [0, "600", [again, "600", relisted]], tidied.err);
  assertStringIncludes(relisted, "the-forwarded-key");
  await assertRejects(() => Deno.stat(dirname(again)), Deno.errors.NotFound);
  assertEquals(without.out, "none\n");
  keyAgent.kill("SIGTERM");
  await keyAgent.status;
});

withSsh("every cipher and every key exchange on offer works", async (agent) => {
  const ciphers = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr"];
  const exchanges = ["curve25519-sha256", "ecdh-sha2-nistp384", "diffie-hellman-group16-sha512"];
  for (
    const flag of [
      ...ciphers.map((name) => `Ciphers=${name}`),
      ...exchanges.map((name) => `KexAlgorithms=${name}`),
    ]
  ) {
    const { code, out } = await agent.ssh("cat", { flags: ["-o", flag], input: "x".repeat(100_000) });
    assertEquals([flag, code, out.length], [flag, 0, 100_000]);
  }
});

/** A server that answers with what it was sent, once it was sent everything. */
function echoServer(path = ""): AsyncDisposable & { readonly port: number; readonly path: string } {
  const listener = path === ""
    ? Deno.listen({ hostname: "127.0.0.1", port: 0 })
    : Deno.listen({ transport: "unix", path });
  const work = (async () => {
    for await (const socket of listener as AsyncIterable<Deno.Conn>) {
      const text = await readAll(socket);
      await socket.write(new TextEncoder().encode(`${text}, end`));
      socket.close();
    }
  })();
  return {
    port: path === "" ? (listener.addr as Deno.NetAddr).port : 0,
    path,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await work;
    },
  };
}

/** Sends `text` and its end, and reads the answer. */
async function ask(socket: Deno.TcpConn | Deno.UnixConn, text: string): Promise<string> {
  await socket.write(new TextEncoder().encode(text));
  await socket.closeWrite();
  const answer = await readAll(socket);
  socket.close();
  return answer;
}

async function readBytes(socket: Deno.Conn, count: number): Promise<number[]> {
  const bytes = new Uint8Array(count);
  for (let read = 0; read < count;) read += await socket.read(bytes.subarray(read)) ?? count;
  return [...bytes];
}

async function readAll(socket: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(1024);
  let text = "";
  for (let count = await socket.read(buffer); count !== null; count = await socket.read(buffer)) {
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

/** A client that only forwards. */
async function forwarding(agent: SshAgent, flags: readonly string[]) {
  const settings = ["-o", "ExitOnForwardFailure=yes", "-o", "LogLevel=INFO"];
  const child = agent.spawn(["ssh", ...settings, ...flags, "workspace", "echo up; cat"]);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let errors = "";
  const read = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) errors += text;
  })();
  assertEquals((await reader.read()).value, "up\n", errors);
  async function end(): Promise<void> {
    await child.stdin.close().catch(() => {}); // A second time it is closed.
    await reader.cancel();
    await read;
    await child.status;
  }
  return { errors: () => errors, end, [Symbol.asyncDispose]: end };
}

async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ port })).close();
    return true;
  } catch {
    return false; // refused
  }
}

Deno.test({
  name: "the control plane's manifest and banners show in sessions, and it is told who came and went",
  ignore,
  fn: async () => {
    const directory = await Deno.realPath(await Deno.makeTempDir());
    const motdPath = join(directory, "motd");
    await Deno.writeTextFile(motdPath, "day\n");
    const reports: string[] = [];
    const unix = join(directory, "ssh.sock");
    const banners = new LatestValue<readonly Banner[]>();
    banners.set([{ message: " news ", backgroundColor: "" }]);
    await using agent = await startSshAgent({
      config: { unix },
      services: [
        fake(ManifestFeed, { watch: (signal) => once({ ...MANIFEST, directory, motdPath }, signal) }),
        fake(BannerFeed, { watch: (signal) => banners.watch(signal) }),
        fake(ConnectionReports, {
          connected: (kind, address) => {
            reports.push(`${kind} from ${address.replace(/:\d+$/, ":PORT")}`);
            return (status, reason) => reports.push(`${status} ${reason}`);
          },
        }),
      ],
    });

    const login = await agent.ssh(undefined, { flags: ["-tt"], input: "pwd; exit 5\n" });
    await agent.ssh("true", { flags: ["-o", "SetEnv=CODER_SSH_SESSION_TYPE=vscode"] });
    await agent.ssh("true", { flags: ["-o", "SetEnv=CODER_SSH_SESSION_TYPE=jetbrains"] });
    await agent.run(["sftp", "-b", "-", "workspace"], { input: "pwd\n" });
    banners.set([{ message: "later", backgroundColor: "" }]);
    const again = await agent.ssh(undefined, { flags: ["-tt"], input: "exit\n" });
    {
      // A client without an address. Its library is loaded after the plugin has, which lets ciphers finish themselves.
      const { Client } = await import("../ssh2_client.ts");
      await using client = await Client.connect(agent, connect(unix));
      await (await client.exec("true")).ended;
    }
    while (reports.length < 10) await turn();

    assert(again.out.startsWith("later\r\n\r\nday\r\n"), again.out);
    assert(login.out.startsWith("news\r\n\r\nday\r\n"), login.out);
    assertStringIncludes(login.out, `${directory}\r\n`);
    assertEquals(reports, [
      "ssh from 127.0.0.1:PORT",
      "5 process exited with error status: 5",
      "vscode from 127.0.0.1:PORT",
      "0 ",
      "ssh from 127.0.0.1:PORT",
      "0 ",
      "ssh from 127.0.0.1:PORT",
      "0 ",
      "ssh from ",
      "0 ",
    ]);
    await Deno.remove(directory, { recursive: true });
  },
});

const MANIFEST: Manifest = {
  agentId: "",
  agentName: "main",
  workspaceId: "",
  workspaceName: "dev",
  ownerName: "ada",
  directory: "",
  motdPath: "",
  portProxyUri: "",
  gitAuthConfigs: 0,
  isSubAgent: false,
  environment: {},
  scripts: [],
  metadata: [],
  apps: [],
};

/** A feed with one value. */
async function* once<Value>(value: Value, signal: AbortSignal): AsyncGenerator<Value> {
  yield value;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

async function keygen(path: string, args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command("ssh-keygen", { args: ["-q", "-N", "", "-f", path, ...args] }).output();
  assert(success);
}

function publicKey(directory: string, name: string): Promise<string> {
  return Deno.readTextFile(join(directory, `${name}.pub`));
}

/** Joins its input and output to a socket. */
const PROXY = `const socket = await Deno.connect({ transport: "unix", path: Deno.args[0] });
Deno.stdin.readable.pipeTo(socket.writable).catch(() => {});
await socket.readable.pipeTo(Deno.stdout.writable);
`;

/** Lets everything that is due happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false; // gone
  }
}
