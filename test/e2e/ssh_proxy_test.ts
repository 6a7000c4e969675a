/**
 * `outpost ssh-config` and `outpost ssh-proxy` under OpenSSH, on the agent's machine and through the control plane.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { parseAgentsFile } from "../../examples/control-plane/agents_file.ts";
import { connectAgent } from "../../examples/control-plane/connected_agent.ts";
import { type ControlPlane, startControlPlane } from "../../examples/control-plane/control_plane.ts";
import { type AgentProcess, runAgent, startAgent } from "../agent_process.ts";
import { hasProgram } from "../ssh_agent.ts";

const ignore = !hasProgram("ssh");
const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const FILE = parseAgentsFile(`{ "agents": [{ "name": "dev", "token": "${TOKEN}" }] }`, "test");
const SSH = { plugins: { ssh: { enabled: true, config: { listen: null } } } };

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Somebody's machine: a home with an ssh configuration of its own. */
class Client implements AsyncDisposable {
  readonly file: string;

  private constructor(readonly home: string, readonly env: Readonly<Record<string, string>>) {
    this.file = join(home, ".ssh", "config");
  }

  static async create(env: Readonly<Record<string, string>>): Promise<Client> {
    const home = await Deno.makeTempDir({ prefix: "outpost-client-" });
    return new Client(home, { ...env, HOME: home });
  }

  async outpost(...args: string[]): Promise<Ended> {
    const { code, stdout, stderr } = await runAgent(args, { env: this.env, cwd: this.home });
    return { code, out: stdout.join("\n"), err: stderr.join("\n") };
  }

  async run(program: string, args: readonly string[], input = ""): Promise<Ended> {
    const child = new Deno.Command(program, {
      args: ["-F", this.file, ...args],
      env: { ...this.env },
      clearEnv: true,
      cwd: this.home,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const fed = new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}); // It ended without reading everything.
    const [{ code, stdout, stderr }] = await Promise.all([child.output(), fed]);
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  }

  ssh(...args: string[]): Promise<Ended> {
    return this.run("ssh", args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.home, { recursive: true });
  }
}

/** An agent without a control plane. */
async function aloneAgent(): Promise<AgentProcess> {
  const directory = await Deno.makeTempDir();
  const config = join(directory, "agent.jsonc");
  await Deno.writeTextFile(config, JSON.stringify(SSH));
  const agent = await startAgent({ args: ["--config", config] });
  await Deno.remove(directory, { recursive: true });
  return agent;
}

Deno.test({
  name: "ssh-config writes the agent of this machine into the configuration, once, and takes it out again",
  ignore,
  fn: async () => {
    await using agent = await aloneAgent();
    await using client = await Client.create(agent.env);
    const before = "Host other\n  Port 2222\n";
    await Deno.mkdir(join(client.home, ".ssh"));
    await Deno.writeTextFile(client.file, before, { mode: 0o640 });

    const shown = await client.outpost("ssh-config", "--dry-run");
    assertEquals([shown.code, await Deno.readTextFile(client.file)], [0, before]);
    assertMatch(shown.out, /^\+ Host outpost$/m);
    assertMatch(shown.out, /^\+ outpost-outpost ssh-ed25519 AAAA/m);

    const wrote = await client.outpost("ssh-config");
    const written = await Deno.readTextFile(client.file);
    assertEquals([wrote.code, wrote.out], [0, `Wrote "outpost" to ${client.file}; try: ssh outpost`]);
    assert(written.startsWith(before), written);
    assertEquals((await Deno.stat(client.file)).mode! & 0o777, 0o640);
    assertEquals((await client.outpost("ssh-config")).out, `Nothing to change in ${client.file}`);
    assertEquals(await client.ssh("outpost", "echo $USER; exit 7"), { code: 7, out: `${userName()}\n`, err: "" });
    const terminal = await client.ssh("-tt", "outpost", "stty size");
    assertEquals([terminal.code, terminal.out], [0, "24 80\r\n"]);

    await client.outpost("ssh-config", "--host", "second");
    assertEquals((await client.ssh("second", "echo two")).out, "two\n");
    const removed = await client.outpost("ssh-config", "--remove", "--host", "second");
    assertEquals(removed.out, `Removed "second" from ${client.file}`);
    assertEquals(await Deno.readTextFile(client.file), written);
    await client.outpost("ssh-config", "--remove");
    assertEquals(await Deno.readTextFile(client.file), before);
  },
});

Deno.test({
  name: "ssh-proxy says what is wrong: no agent, no ssh plugin, a terminal's flags, a different host key",
  ignore,
  fn: async () => {
    await using bare = await startAgent();
    await using client = await Client.create(bare.env);

    await Deno.mkdir(join(client.home, ".ssh"));
    await Deno.writeTextFile(client.file, "");
    const without = await client.ssh("-o", `ProxyCommand=${proxyLine(["--unix", bare.unix])}`, "x");
    assertEquals(without.code, 255);
    assertMatch(without.err, /it answers \d+ \(.*ssh/s);
    const nobody = await client.outpost("ssh-config", "--unix", "/no/such/socket");
    assertEquals(nobody.code, 1);
    assertStringIncludes(nobody.err, "/no/such/socket");
    const agentless = await client.outpost("ssh-config", "--agent", "dev");
    assertEquals([agentless.code, agentless.err.split("\n")[0]], [
      2,
      'The flags "--agent" and "--token-file" go with "--control-plane"',
    ]);

    await using agent = await aloneAgent();
    await client.outpost("ssh-config", "--unix", agent.unix);
    const known = join(client.home, ".ssh", "outpost_known_hosts");
    await Deno.writeTextFile(known, (await Deno.readTextFile(known)).replace(/AAAA(.{44})..../, "AAAA$1AAAA"));
    const other = await client.ssh("outpost", "true");
    assertEquals(other.code, 255);
    assertStringIncludes(other.err, "Host key verification failed");
  },
});

Deno.test({
  name: "ssh, sftp and a key that outlives the workspace work through the control plane",
  ignore,
  fn: async () => {
    await using plane = startControlPlane({ agents: FILE, logSink: () => {} });
    const directory = await Deno.makeTempDir();
    const tokenFile = join(directory, "token");
    await Deno.writeTextFile(tokenFile, `${plane.token}\n`);
    const way = ["--control-plane", plane.address, "--agent", "dev", "--token-file", tokenFile];
    await using client = await Client.create({ PATH: Deno.env.get("PATH") ?? "", ...cacheOf() });

    const away = await client.outpost("ssh-config", ...way);
    assertEquals(away.code, 1);
    assertStringIncludes(away.err, "it answers 503 (The agent cannot be reached");

    let written = "";
    for (const build of [1, 2]) {
      // Each build of the workspace has a home of its own, and so another random key.
      await using agent = await connectAgent(plane, { token: TOKEN, name: "dev", config: SSH });
      const { code, out } = await client.outpost("ssh-config", ...way);
      assertEquals([code, out.startsWith(build === 1 ? "Wrote" : "Nothing to change")], [0, true], out);
      written = await Deno.readTextFile(client.file);
      assert(!written.includes(plane.token));

      const asked = await client.ssh("dev", "cat; pwd; exit 3");
      assertEquals([asked.code, asked.out, asked.err], [3, `${agent.dir}\n`, ""]);
      if (build === 1) {
        await bulk(client, agent);
        await variables(client);
      }
    }

    const gone = await client.ssh("dev", "true");
    assertEquals(gone.code, 255);
    assertStringIncludes(gone.err, "it answers 503 (The agent cannot be reached");
    assertEquals(await refusedStatus(plane), 401);
    await Deno.remove(directory, { recursive: true });
  },
});

/** What the control plane says of the workspace is there, above what a client sends. */
async function variables(client: Client): Promise<void> {
  const names = ["CODER", "CODER_WORKSPACE_AGENT_NAME", "GIT_SSH_COMMAND"];
  const { out } = await client.ssh(
    "-o",
    "SetEnv=CODER=mine CODER_WORKSPACE_AGENT_NAME=mine",
    "dev",
    [
      ...names.map((name) => `echo "$${name}"`),
      'test -d "${PATH%%:*}" && echo "scripts first"',
    ].join("; "),
  );
  const [coder, agent, git, path] = out.split("\n");

  assertEquals([coder, agent, path], ["true", "dev", "scripts first"]);
  assertMatch(git ?? "", / gitssh --$/);
}

/** More than every window and queue on the way, both ways. */
async function bulk(client: Client, agent: AgentProcess): Promise<void> {
  const bytes = crypto.getRandomValues(new Uint8Array(64 * 1024));
  const file = new Uint8Array(await new Blob(Array.from({ length: 512 }, () => bytes)).arrayBuffer());
  await Deno.writeFile(join(client.home, "up"), file);

  const { code, err } = await client.run("sftp", ["-b", "-", "dev"], `put up there\nget there ${client.home}/down\n`);

  assertEquals([code, err], [0, ""]);
  assertEquals((await Deno.stat(join(agent.dir, "there"))).size, file.length);
  assertEquals(await digestOf(await Deno.readFile(join(client.home, "down"))), await digestOf(file));
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test({
  name: "the control plane says when an agent serves no SSH, and wants an upgrade",
  fn: async () => {
    await using plane = startControlPlane({ agents: FILE, logSink: () => {} });
    await using _agent = await connectAgent(plane, { token: TOKEN, name: "dev" });
    const ask = async (headers: Record<string, string>) => {
      const response = await fetch(`${plane.address}/api/agents/dev/ssh`, {
        headers: { authorization: `Bearer ${plane.token}`, ...headers },
      });
      return [response.status, (await response.json()).message];
    };

    assertEquals(await ask({}), [426, "This route speaks WebSocket only"]);
    assertEquals(await upgradeStatus(plane, plane.token), 502);
  },
});

const refusedStatus = (plane: ControlPlane) => upgradeStatus(plane, "wrong");

/** Asks for the WebSocket by hand, and reads the status of the answer. */
async function upgradeStatus({ address }: ControlPlane, token: string): Promise<number> {
  const { hostname, port, host } = new URL(address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = [
    "GET /api/agents/dev/ssh HTTP/1.1",
    `host: ${host}`,
    `authorization: Bearer ${token}`,
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
    "",
    "",
  ];
  await connection.write(new TextEncoder().encode(head.join("\r\n")));
  const buffer = new Uint8Array(1024);
  const count = await connection.read(buffer) ?? 0;
  return Number(/^HTTP\/1\.1 (\d+)/.exec(new TextDecoder().decode(buffer.subarray(0, count)))?.[1]);
}

function proxyLine(flags: readonly string[]): string {
  return [Deno.execPath(), "run", "-A", join(import.meta.dirname!, "../../main.ts"), "ssh-proxy", ...flags].join(" ");
}

function cacheOf(): Record<string, string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/root", ".cache");
  return { DENO_DIR: Deno.env.get("DENO_DIR") ?? join(cache, "deno"), DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
}

function userName(): string {
  const { stdout } = new Deno.Command("id", { args: ["-un"] }).outputSync();
  return new TextDecoder().decode(stdout).trim();
}
