/**
 * What reading, writing and editing files costs through the agent, against bare Deno doing the same work.
 *
 * Each server runs in a process of its own on a Unix socket. Prints one JSON line per figure:
 * `{"name", "value", "unit", "floor"?, "ratio"?}`. `OUTPOST_BENCH_MIB` sets the size of the streamed file (default 1024).
 *
 * @module
 */
import { createAgent } from "../../core/agent.ts";
import agentfiles from "../../plugins/agentfiles/mod.ts";

const MIB = 1024 * 1024;
const STREAM_BYTES = Number(Deno.env.get("OUTPOST_BENCH_MIB") ?? 1024) * MIB;
/** Size of the pieces the client sends. */
const CHUNK_BYTES = MIB;
const STREAM_ROUNDS = 3;
const EDIT_ROUNDS = 40;
const HUNKS = 20;

/** The agent, and the least code that does the same. */
const SERVERS: Readonly<Record<string, (socket: string) => Promise<void>>> = {
  async agent(socket) {
    const agent = createAgent({
      plugins: [agentfiles],
      config: { agent: { listen: { tcp: null, unix: null } } },
      logSink: () => {},
    });
    await agent.start();
    await agent.listenUnix(socket);
  },
  bare(socket) {
    Deno.serve({ transport: "unix", path: socket, onListen() {} } as Deno.ServeUnixOptions, async (request) => {
      const url = new URL(request.url);
      const path = url.searchParams.get("path") ?? "";
      if (url.pathname.endsWith("/read-file")) return new Response((await Deno.open(path)).readable);
      if (url.pathname.endsWith("/write-file")) return await bareWrite(path, request.body!);
      return await bareEdit(await request.json());
    });
    return Promise.resolve();
  },
};

async function bareWrite(path: string, body: ReadableStream<Uint8Array>): Promise<Response> {
  const file = await Deno.open(`${path}.new`, { write: true, create: true, truncate: true });
  await body.pipeTo(file.writable, { preventClose: true });
  await file.syncData();
  file.close();
  await Deno.rename(`${path}.new`, path);
  return new Response();
}

async function bareEdit(
  { files: [{ path, edits }] }: { files: [{ path: string; edits: { search: string; replace: string }[] }] },
): Promise<Response> {
  let text = await Deno.readTextFile(path);
  for (const { search, replace } of edits) text = text.replace(search, () => replace);
  using file = await Deno.open(`${path}.new`, { write: true, create: true, truncate: true });
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  await file.syncData();
  await Deno.rename(`${path}.new`, path);
  return new Response();
}

/** A server in a process of its own. */
class Server implements AsyncDisposable {
  readonly #client: Deno.HttpClient;

  private constructor(readonly child: Deno.ChildProcess, readonly socket: string) {
    this.#client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  }

  static async start(role: string, folder: string): Promise<Server> {
    const socket = `${folder}/${role}-${crypto.randomUUID().slice(0, 8)}.sock`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", new URL(import.meta.url).pathname, role, socket],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    return new Server(child, socket);
  }

  async request(route: string, init: RequestInit & { path?: string } = {}): Promise<Response> {
    const { path, ...rest } = init;
    const query = path === undefined ? "" : `?path=${encodeURIComponent(path)}`;
    const response = await fetch(`http://localhost/api/v0/${route}${query}`, { ...rest, client: this.#client });
    if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
    return response;
  }

  /** Resident memory, now and at its highest, in MiB. */
  async memory(): Promise<{ readonly now: number; readonly peak: number }> {
    const status = await Deno.readTextFile(`/proc/${this.child.pid}/status`);
    const field = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
    return { now: field("VmRSS"), peak: field("VmHWM") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    this.child.kill("SIGKILL");
    await this.child.stdout.cancel();
    await this.child.status;
  }
}

/** Sends the request by hand: `fetch` spends more time on a streamed body than any server. */
async function measureWrite(server: Server, path: string): Promise<number> {
  using connection = await Deno.connect({ transport: "unix", path: server.socket });
  const chunk = new Uint8Array(CHUNK_BYTES).fill(120);
  const start = performance.now();
  const head = `POST /api/v0/write-file?path=${encodeURIComponent(path)} HTTP/1.1\r\nHost: localhost\r\n` +
    `Connection: close\r\nContent-Length: ${STREAM_BYTES}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  for (let left = STREAM_BYTES; left > 0; left -= chunk.length) {
    for (let done = 0; done < chunk.length;) done += await connection.write(chunk.subarray(done));
  }
  const answer = new Uint8Array(64);
  const count = await connection.read(answer) ?? 0;
  const result = rate(start);
  const status = new TextDecoder().decode(answer.subarray(0, count)).split("\r\n")[0];
  if (!status?.includes(" 200 ")) throw new Error(`write-file: ${status}`);
  return result;
}

async function measureRead(server: Server, path: string): Promise<number> {
  const start = performance.now();
  const response = await server.request("read-file", { path });
  let bytes = 0;
  for await (const chunk of response.body!) bytes += chunk.length;
  if (bytes !== STREAM_BYTES) throw new Error(`read ${bytes} of ${STREAM_BYTES} bytes`);
  return rate(start);
}

function rate(start: number): number {
  return STREAM_BYTES / MIB / ((performance.now() - start) / 1000);
}

/** One edit of 20 places of a 1 MiB source file, in milliseconds. */
async function measureEdit(server: Server, path: string, includeDiff: boolean): Promise<number> {
  await Deno.writeTextFile(path, EDITED_TEXT);
  const edits = Array.from({ length: HUNKS }, (_, hunk) => ({
    search: `const value${100 + hunk * 900} = `,
    replace: `const other${hunk} =\n        `,
  }));
  const body = JSON.stringify({ files: [{ path, edits }], include_diff: includeDiff });
  const start = performance.now();
  await (await server.request("edit-files", { method: "POST", body })).body?.cancel();
  return performance.now() - start;
}

const EDITED_TEXT = Array.from(
  { length: MIB / 48 },
  (_, line) => `    const value${line} = compute(${line}, "some text");\n`,
).join("").slice(0, MIB);

const NOTES: Readonly<Record<string, string>> = {
  edit:
    "matched, written beside, synced and renamed; the floor replaces strings and writes the same way; the aim is 20 ms",
  write: "streamed over the Unix socket to a synced file; best of three",
  read: "streamed over the Unix socket; best of three",
  memory: "peak while streaming, above what it had before",
};

/** Prints one figure; `ratio` says how many times the floor it is. */
function print(name: string, value: number, unit: string, floor?: number): void {
  const note = Object.entries(NOTES).find(([start]) => name.startsWith(start))?.[1];
  const rounded = (number: number): number => Math.round(number * 100) / 100;
  console.log(JSON.stringify({
    name,
    value: rounded(value),
    unit,
    ...(floor !== undefined && { floor: rounded(floor), ratio: rounded(value / floor) }),
    ...(note !== undefined && { note }),
  }));
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

async function compare(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "agentfiles-bench-" });
  try {
    await compareEdits(folder);
    await compareStreams(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function compareEdits(folder: string): Promise<void> {
  await using agent = await Server.start("agent", folder);
  await using bare = await Server.start("bare", folder);
  const path = `${folder}/edit`;
  const edits: Record<"agent" | "diffs" | "bare", number[]> = { agent: [], diffs: [], bare: [] };
  // In turns, so that a busy machine is busy for all of them.
  for (let round = 0; round < EDIT_ROUNDS; round++) {
    const times = {
      agent: await measureEdit(agent, path, false),
      diffs: await measureEdit(agent, path, true),
      bare: await measureEdit(bare, path, false),
    };
    if (round < EDIT_ROUNDS / 4) continue;
    for (const name of ["agent", "diffs", "bare"] as const) edits[name].push(times[name]);
  }
  for (const times of Object.values(edits)) times.sort((a, b) => a - b);
  print("edit 20 hunks of 1 MiB, p50", quantile(edits.agent, 0.5), "ms", quantile(edits.bare, 0.5));
  print("edit 20 hunks of 1 MiB, p95", quantile(edits.agent, 0.95), "ms", quantile(edits.bare, 0.95));
  print("edit 20 hunks of 1 MiB with diff, p50", quantile(edits.diffs, 0.5), "ms", quantile(edits.bare, 0.5));
}

async function compareStreams(folder: string): Promise<void> {
  await using agent = await Server.start("agent", folder);
  await using bare = await Server.start("bare", folder);
  const path = `${folder}/stream`;
  const before = { agent: await agent.memory(), bare: await bare.memory() };
  const best = { write: 0, read: 0, bareWrite: 0, bareRead: 0 };
  for (let round = 0; round < STREAM_ROUNDS; round++) {
    best.write = Math.max(best.write, await measureWrite(agent, path));
    best.read = Math.max(best.read, await measureRead(agent, path));
    best.bareWrite = Math.max(best.bareWrite, await measureWrite(bare, path));
    best.bareRead = Math.max(best.bareRead, await measureRead(bare, path));
  }
  const after = { agent: await agent.memory(), bare: await bare.memory() };
  print(`write ${STREAM_BYTES / MIB} MiB`, best.write, "MiB/s", best.bareWrite);
  print(`read ${STREAM_BYTES / MIB} MiB`, best.read, "MiB/s", best.bareRead);
  print(
    "memory growth while streaming",
    after.agent.peak - before.agent.now,
    "MiB",
    after.bare.peak - before.bare.now,
  );
}

if (import.meta.main) {
  const [role, socket] = Deno.args;
  if (role !== undefined && socket !== undefined) {
    await SERVERS[role]!(socket);
    console.log("ready");
  } else await compare();
}
