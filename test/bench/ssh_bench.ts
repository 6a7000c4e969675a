/**
 * OpenSSH's clients against the agent, beside Debian's sshd in the same run with the same ciphers and the same key.
 *
 * Run with `deno run -A test/bench/ssh_bench.ts`; prints one JSON line per figure. Needs ssh, sftp, ssh-keygen and sshd.
 *
 * @module
 */
import { join } from "@std/path";

import { startAgent } from "../agent_process.ts";
import { startOpenssh } from "./openssh_server.ts";

/** Size of the files, in MiB. */
const MIB = Number(Deno.env.get("OUTPOST_BENCH_MIB") ?? 256);
/** Runs of the figures about time. */
const RUNS = Number(Deno.env.get("OUTPOST_BENCH_RUNS") ?? 40);
/** Runs of each transfer; the best counts, as the rest is the machine's other work. */
const TRANSFERS = 3;
/** Sessions that idle. */
const IDLE = 200;
/** Clients that connect at once. */
const AT_ONCE = 10;

const CIPHERS = { "aes128-gcm@openssh.com": 0.3, "chacha20-poly1305@openssh.com": 0.5 } as const;

interface Server {
  readonly name: string;
  readonly pid: number;
  readonly config: string;
}

const directory = await Deno.makeTempDir({ prefix: "outpost-bench-" });
const data = join(directory, "data");
await writeData();
const key = join(directory, "key");
await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
const authorizedKeys = `${key}.pub`;
const agentConfig = join(directory, "agent.jsonc");
await Deno.writeTextFile(
  agentConfig,
  JSON.stringify({
    plugins: { ssh: { enabled: true, config: { listen: "127.0.0.1:0", authorizedKeysFile: authorizedKeys } } },
  }),
);

try {
  await using agent = await startAgent({ args: ["--config", agentConfig] });
  await using sshd = await startOpenssh(directory, authorizedKeys);
  const servers: readonly [Server, Server] = [
    { name: "outpost", pid: agent.pid, config: await clientConfig("outpost", portOf(agent.listening.ssh)) },
    { name: "sshd", pid: sshd.pid, config: await clientConfig("sshd", sshd.port) },
  ];
  // First, as what transfers leave behind is given back at a time of its own.
  await measureIdle(servers);
  await measureConnects(servers);
  await measureEcho(servers);
  for (const [cipher, aim] of Object.entries(CIPHERS)) await measureTransfers(servers, cipher, aim);
} finally {
  await Deno.remove(directory, { recursive: true });
}

async function measureTransfers(servers: readonly [Server, Server], cipher: string, aim: number): Promise<void> {
  const flags = ["-o", `Ciphers=${cipher}`];
  const kinds: Readonly<Record<string, (server: Server) => Promise<void>>> = {
    "ssh cat, down": ({ config }) => run(["ssh", "-F", config, ...flags, "host", `cat ${data}`]),
    "ssh cat, up": ({ config }) => run(["ssh", "-F", config, ...flags, "host", "cat >/dev/null"], { input: data }),
    "sftp get": ({ config }) => run(["sftp", "-q", "-F", config, ...flags, `host:${data}`, "/dev/null"]),
    "sftp put": ({ config, name }) => run(["sftp", "-q", "-F", config, ...flags, "-b", batch(name), "host"]),
  };
  for (const [kind, transfer] of Object.entries(kinds)) {
    const costs = await best(servers, transfer);
    const name = `${kind}, ${MIB} MiB, ${cipher}`;
    const [value, floor] = costs.map(({ seconds }) => MIB / seconds) as [number, number];
    print(name, value, floor, "MiB/s", `more is better; the aim is ${aim} of sshd`);
    const [own, other] = costs.map(({ cpuSeconds }) => cpuSeconds * 1000) as [number, number];
    print(
      `${name}, processor`,
      own,
      other,
      "ms",
      "less is better; time of the server and its commands, whatever else runs",
    );
  }
}

interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Both in turns, so that what else the machine does falls on both alike. */
async function best(servers: readonly [Server, Server], work: (server: Server) => Promise<void>): Promise<Cost[]> {
  const costs = servers.map(() => ({ seconds: Infinity, cpuSeconds: Infinity }));
  for (let round = 0; round < TRANSFERS; round++) {
    for (const [index, server] of servers.entries()) {
      const before = await processorSeconds(server.pid);
      const from = performance.now();
      await work(server);
      const seconds = (performance.now() - from) / 1000;
      const cpuSeconds = await processorSeconds(server.pid) - before;
      const cost = costs[index]!;
      costs[index] = {
        seconds: Math.min(cost.seconds, seconds),
        cpuSeconds: Math.min(cost.cpuSeconds, cpuSeconds),
      };
    }
  }
  return costs;
}

/** Processor time of a process and of the descendants it has waited for, once it has no children any more. */
async function processorSeconds(pid: number): Promise<number> {
  while ((await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).trim() !== "") await turn();
  const [, fields = ""] = /\) (.*)/.exec(await Deno.readTextFile(`/proc/${pid}/stat`)) ?? [];
  // Fields 14 to 17 of proc(5): user and system time, own and of children, in hundredths of a second.
  return fields.split(" ").slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function measureConnects(servers: readonly [Server, Server]): Promise<void> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < RUNS; round++) {
    for (const [index, { config }] of servers.entries()) {
      const from = performance.now();
      await run(["ssh", "-F", config, "host", "true"]);
      times[index]!.push(performance.now() - from);
    }
  }
  const [value, floor] = times.map(median) as [number, number];
  print("connect, log in, run true, leave, p50", value, floor, "ms", "less is better; the aim is 1.5 times sshd");
}

/** From a byte typed to its echo by the terminal, over sessions that are open, in turns. */
async function measureEcho(servers: readonly [Server, Server]): Promise<void> {
  const sessions = await Promise.all(servers.map(openTerminal));
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < RUNS * 25; round++) {
    for (const [index, { type }] of sessions.entries()) times[index]!.push(await type());
  }
  await Promise.all(sessions.map(({ close }) => close()));
  // The first fifth warms up.
  const [value, floor] = times.map((all) => median(all.slice(all.length / 5))) as [number, number];
  print("keystroke to echo, p50", value, floor, "ms", "less is better; the aim is 1.5 times sshd");
}

/** A terminal that echoes and nothing else. */
async function openTerminal({ config }: Server) {
  const child = new Deno.Command("ssh", {
    args: ["-F", config, "-tt", "host", "echo ready; exec cat >/dev/null"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const [reader, writer] = [child.stdout.getReader(), child.stdin.getWriter()];
  await reader.read();
  return {
    async type(): Promise<number> {
      const from = performance.now();
      await writer.write(new Uint8Array([0x78]));
      await reader.read();
      return performance.now() - from;
    },
    async close(): Promise<void> {
      child.kill("SIGKILL");
      await Promise.allSettled([reader.cancel(), writer.close(), child.status]);
    },
  };
}

async function measureIdle(servers: readonly [Server, Server]): Promise<void> {
  const results: number[] = [];
  for (const { pid, config } of servers) {
    await run(["ssh", "-F", config, "host", "true"]);
    const before = await memoryOf(pid);
    const clients: Deno.ChildProcess[] = [];
    while (clients.length < IDLE) {
      clients.push(...await Promise.all(Array.from({ length: AT_ONCE }, () => idle(config))));
    }
    results.push((await memoryOf(pid) - before) / IDLE);
    await Promise.all(clients.map(async (client) => {
      client.kill("SIGKILL");
      await Promise.allSettled([client.stdout.cancel(), client.stdin.close(), client.status]);
    }));
  }
  print(
    `memory of one of ${IDLE} idle sessions`,
    results[0]! / 1024,
    results[1]! / 1024,
    "KiB",
    "less is better; proportional set size of the server's processes, without the commands",
  );
}

/** A session whose command waits for its input. */
async function idle(config: string): Promise<Deno.ChildProcess> {
  const child = new Deno.Command("ssh", {
    args: ["-F", config, "host", "echo ready; exec cat"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  return child;
}

/** Bytes of a server and of those of its descendants that are the same program. */
async function memoryOf(pid: number): Promise<number> {
  const program = await Deno.readTextFile(`/proc/${pid}/comm`);
  let bytes = 0;
  const waiting = [pid];
  for (const process of waiting) {
    try {
      if (await Deno.readTextFile(`/proc/${process}/comm`) !== program) continue;
      const rollup = await Deno.readTextFile(`/proc/${process}/smaps_rollup`);
      bytes += Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
      const children = await Deno.readTextFile(`/proc/${process}/task/${process}/children`);
      waiting.push(...children.split(" ").filter((id) => id !== "").map(Number));
    } catch {
      // It has ended.
    }
  }
  return bytes;
}

async function run(words: readonly [string, ...string[]], options: { readonly input?: string } = {}): Promise<void> {
  const [program, ...args] = words;
  // The shell's redirections keep the bytes out of this process, which would be part of what is measured.
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", `exec "$0" "$@" <${options.input ?? "/dev/null"} >/dev/null`, program, ...args],
    stderr: "piped",
  });
  const { success, stderr } = await child.output();
  if (!success) throw new Error(`Cannot measure ${words.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

async function writeData(): Promise<void> {
  const chunk = crypto.getRandomValues(new Uint8Array(64 * 1024));
  const file = await Deno.open(data, { write: true, create: true });
  for (let written = 0; written < MIB * 1024 * 1024; written += chunk.length) await file.write(chunk);
  file.close();
}

function batch(name: string): string {
  const path = join(directory, `put-${name}`);
  Deno.writeTextFileSync(path, `put ${data} ${join(directory, `uploaded-${name}`)}\n`);
  return path;
}

async function clientConfig(name: string, port: number): Promise<string> {
  const path = join(directory, `client-${name}`);
  await Deno.writeTextFile(
    path,
    [
      "Host host",
      "  HostName 127.0.0.1",
      `  Port ${port}`,
      "  User root",
      `  IdentityFile ${key}`,
      "  IdentitiesOnly yes",
      "  StrictHostKeyChecking no",
      "  UserKnownHostsFile /dev/null",
      "  LogLevel ERROR",
      "",
    ].join("\n"),
  );
  return path;
}

function portOf(address: unknown): number {
  return Number(String(address).split(":").at(-1));
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

function print(name: string, value: number, floor: number, unit: string, note: string): void {
  const round = (number: number) => Math.round(number * 100) / 100;
  console.log(
    JSON.stringify({ name, value: round(value), unit, floor: round(floor), ratio: round(value / floor), note }),
  );
}
