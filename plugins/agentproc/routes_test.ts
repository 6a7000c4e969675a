import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { Hono } from "hono";

import { Environment } from "../../core/environment.ts";
import { livingGroupMembers } from "../../core/exec/group_members.ts";
import { Spawner } from "../../core/exec/spawner.ts";
import { problemResponse } from "../../core/http/problem.ts";
import type { Logger, Variables } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { type AgentprocConfig, agentprocConfig } from "./config.ts";
import type { OutputJson, ProcessJson } from "./process_json.ts";
import { ProcessTable } from "./process_table.ts";
import { addProcessRoutes, type Refusal } from "./routes.ts";

const PATH = Deno.env.get("PATH") ?? "/usr/bin:/bin";
const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const CHAT_A = { "coder-chat-id": "aaaaaaaa-0000-4000-8000-000000000001" };
const CHAT_B = { "coder-chat-id": "bbbbbbbb-0000-4000-8000-000000000002" };

interface Options {
  readonly config?: Partial<AgentprocConfig>;
  readonly directory?: string;
  readonly contributed?: Variables;
}

/** The routes over real processes, with time that stands still. */
class TestRoutes implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly app = new Hono();
  readonly refusals: Refusal[] = [];
  readonly table: ProcessTable;
  readonly #stop = new AbortController();
  readonly #close: () => Promise<void>;

  constructor(options: Options = {}) {
    const environment = new Environment({ process: { PATH, HOME: "/" }, log: SILENT, clock: this.clock });
    const env = environment.scope({ owner: "other", order: 1 });
    env.contribute("other", () => options.contributed ?? {});
    const exec = new Spawner({ processEnv: { PATH, HOME: "/" }, directory: options.directory }).scope("agentproc", env);
    const config = agentprocConfig.parse(options.config ?? {});
    this.table = new ProcessTable({ exec, clock: this.clock, log: SILENT, config });
    addProcessRoutes(this.app, {
      table: this.table,
      clock: this.clock,
      waitMs: config.waitMs,
      signal: this.#stop.signal,
      onRefused: (reason) => this.refusals.push(reason),
    });
    this.app.onError((error) => problemResponse(error, { plugin: "agentproc" }));
    this.#close = async () => {
      this.#stop.abort();
      await this.table.close();
      await exec.close();
    };
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return Promise.resolve(this.app.request(path, init));
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const raw = typeof body === "string" || body instanceof ReadableStream ? body : JSON.stringify(body);
    return Promise.resolve(this.app.request(path, { method: "POST", body: raw, headers }));
  }

  /** Starts a command and returns its id. */
  async start(
    command: string,
    more: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ): Promise<string> {
    const response = await this.post("/start", { command, ...more }, headers);
    const body = await response.json();
    assertEquals([response.status, body.started], [200, true]);
    return body.id;
  }

  async output(id: string, query = ""): Promise<OutputJson> {
    return await (await this.get(`/${id}/output${query}`)).json();
  }

  /** Runs a command to its end. */
  async run(command: string, more: Record<string, unknown> = {}): Promise<OutputJson> {
    return await this.output(await this.start(command, more), "?wait=true");
  }

  async list(headers: Record<string, string> = {}): Promise<ProcessJson[]> {
    return (await (await this.get("/list", { headers })).json()).processes;
  }

  /** Resolves when the process has written `text`. */
  async until(id: string, text: string): Promise<void> {
    const never = new AbortController().signal;
    const process = this.table.find(id);
    assert(process);
    while (!process.view.view().output.includes(text)) await process.nextChange(never);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

function membersOf(pid: number): number {
  return livingGroupMembers()?.get(pid)?.length ?? 0;
}

Deno.test("POST /start starts a foreground command and names it", async () => {
  await using agent = new TestRoutes();

  const response = await agent.post("/start", { command: "echo hello" });

  const body = await response.json();
  assertEquals(response.status, 200);
  assertEquals(body.started, true);
  assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(body.id));
});

Deno.test("POST /start only echoes that a command runs in the background", async () => {
  await using agent = new TestRoutes();

  const id = await agent.start("echo hello", { background: true });

  assertEquals((await agent.output(id, "?wait=true")).output, "hello\n");
  assertEquals((await agent.list())[0]?.background, true);
});

Deno.test("POST /start refuses bad requests and says which field is wrong", async () => {
  await using agent = new TestRoutes();
  const cases: [unknown, string][] = [
    [{ command: "" }, "Command is required"],
    [{}, "Command is required"],
    ["{", "valid JSON"],
    ["", "valid JSON"],
    [{ command: 5 }, "Validation failed"],
    [{ command: "true", env: { "A=B": "x" } }, "Validation failed"],
    [{ command: "true", env: { A: 1 } }, "Validation failed"],
    [{ command: "true", args: "x" }, "Validation failed"],
    [{ command: "true", output: "both" }, "Validation failed"],
  ];

  for (const [body, message] of cases) {
    const response = await agent.post("/start", body);
    assertEquals(response.status, 400);
    assertStringIncludes((await response.json()).message, message);
  }
  assertEquals(await agent.list(), []);
});

Deno.test("POST /start runs the command in the directory it names", async () => {
  await using agent = new TestRoutes();
  const workdir = await Deno.makeTempDir();

  await agent.run("touch marker", { workdir });

  assert((await Deno.stat(`${workdir}/marker`)).isFile);
  assertEquals((await agent.list())[0]?.workdir, workdir);
  await Deno.remove(workdir, { recursive: true });
});

Deno.test("POST /start falls back to the configured directory, then to home", async () => {
  const directory = await Deno.makeTempDir();
  await using agent = new TestRoutes({ directory });

  assertEquals((await agent.run("pwd")).output, `${directory}\n`);
  await Deno.remove(directory);
  assertEquals((await agent.run("pwd")).output, "/\n");
});

Deno.test("POST /start says what is wrong with a directory", async () => {
  await using agent = new TestRoutes();

  const response = await agent.post("/start", { command: "true", workdir: "/no/such" });

  const body = await response.json();
  assertEquals(response.status, 500);
  assertEquals(body.message, "Failed to start process");
  assertEquals(body.detail, 'start process: Cannot start "sh": working directory "/no/such" does not exist');
  assertEquals(agent.refusals, ["system"]);
});

Deno.test("POST /start adds variables of the request above those of other plugins", async () => {
  await using agent = new TestRoutes({ contributed: { FROM_PLUGIN: "yes", BOTH: "plugin" } });

  const { output } = await agent.run('echo "$FROM_PLUGIN $BOTH $MINE"', { env: { BOTH: "request", MINE: "1" } });

  assertEquals(output, "yes request 1\n");
});

Deno.test("POST /start tells the command its chat", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start('echo "$CODER_CHAT_ID"', {}, CHAT_A);

  assertEquals((await agent.output(id, "?wait=true")).output, `${CHAT_A["coder-chat-id"]}\n`);
  assertEquals((await agent.run('echo "[$CODER_CHAT_ID]"')).output, "[]\n");
});

Deno.test("POST /start runs a program with its arguments and no shell when there are args", async () => {
  await using agent = new TestRoutes();

  assertEquals((await agent.run("printf", { args: ["%s|", "$HOME", "a b"] })).output, "$HOME|a b|");
  const response = await agent.post("/start", { command: "no-such-program", args: [] });
  assertEquals(
    (await response.json()).detail,
    'start process: Cannot start "no-such-program": no such program in PATH',
  );
});

Deno.test("POST /start refuses a process over the limit, and accepts it when one has ended", async () => {
  await using agent = new TestRoutes({ config: { maxProcesses: 1 } });
  const first = await agent.start("sleep 60");

  const second = await agent.post("/start", { command: "true" });

  assertEquals(second.status, 429);
  assertEquals((await second.json()).code, "process_limit");
  assertEquals(agent.refusals, ["limit"]);
  await agent.post(`/${first}/signal`, { signal: "kill" });
  await agent.output(first, "?wait=true");
  assertEquals((await agent.run("echo free")).output, "free\n");
});

Deno.test("POST /start counts starts under way, so that many at once cannot pass the limit", async () => {
  await using agent = new TestRoutes({ config: { maxProcesses: 5 } });

  const responses = await Promise.all(Array.from({ length: 20 }, () => agent.post("/start", { command: "sleep 60" })));

  const statuses = responses.map((response) => response.status);
  assertEquals(statuses.filter((status) => status === 200).length, 5);
  assertEquals(statuses.filter((status) => status === 429).length, 15);
});

Deno.test("POST /start with a known client token attaches instead of running the command twice", async () => {
  await using agent = new TestRoutes();
  const directory = await Deno.makeTempDir();
  const request = { command: "echo run >> log", workdir: directory, client_token: "t1", env: { A: "1", B: "2" } };
  const again = { ...request, env: { B: "2", A: "1" } };

  const answers = await Promise.all([agent.post("/start", request), agent.post("/start", again)]);
  const bodies = await Promise.all(answers.map((answer) => answer.json()));

  assertEquals(bodies.map((body) => [body.started, body.attached, body.client_token]), [
    [true, false, "t1"],
    [false, true, "t1"],
  ]);
  assertEquals(bodies[0].id, bodies[1].id);
  await agent.output(bodies[0].id, "?wait=true");
  assertEquals(await Deno.readTextFile(`${directory}/log`), "run\n");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("POST /start refuses a client token that was used for something else", async () => {
  await using agent = new TestRoutes();
  await agent.start("true", { client_token: "t1" });

  for (const [body, headers] of [[{ command: "false" }, {}], [{ command: "true" }, CHAT_A]] as const) {
    const response = await agent.post("/start", { ...body, client_token: "t1" }, headers);
    assertEquals(response.status, 409);
    assertStringIncludes((await response.json()).message, "Client token was already used");
  }
});

Deno.test("POST /start frees the client token of a start that failed", async () => {
  await using agent = new TestRoutes();
  const refused = await agent.post("/start", { command: "true", workdir: "/no/such", client_token: "t1" });

  assertEquals(refused.status, 500);
  await agent.start("true", { client_token: "t1" });
});

Deno.test("GET /tokens/{token} finds a process, and answers 200 when there is none", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("true", { client_token: "t1" }, CHAT_A);
  const look = async (token: string, headers: Record<string, string> = {}) => {
    const response = await agent.get(`/tokens/${token}`, { headers });
    const { found, id } = await response.json();
    return [response.status, found, id];
  };

  assertEquals(await look("t1"), [200, true, id]);
  assertEquals(await look("t1", CHAT_A), [200, true, id]);
  assertEquals(await look("t1", CHAT_B), [200, false, undefined]);
  assertEquals(await look("t2"), [200, false, undefined]);
});

Deno.test("GET /list answers with an empty list when nothing was started", async () => {
  await using agent = new TestRoutes();

  assertEquals(await (await agent.get("/list")).json(), { processes: [] });
});

Deno.test("GET /list shows running and ended processes, running ones first", async () => {
  await using agent = new TestRoutes();
  const running = await agent.start("sleep 60");
  const ended = await agent.start("exit 3");
  await agent.output(ended, "?wait=true");

  const list = await agent.list();

  const nowSeconds = agent.clock.now() / 1000;
  assertEquals(list.map(({ id, running, exit_code }) => [id, running, exit_code]), [
    [running, true, undefined],
    [ended, false, 3],
  ]);
  assertEquals(list.map(({ started_at_unix, exited_at_unix }) => [started_at_unix, exited_at_unix]), [
    [nowSeconds, undefined],
    [nowSeconds, nowSeconds],
  ]);
  assertEquals(list[1]?.command, "exit 3");
});

Deno.test("GET /list shows a chat only its own processes, and everything without a chat", async () => {
  await using agent = new TestRoutes();
  await agent.start("true", {}, CHAT_A);
  await agent.start("true", {}, CHAT_A);
  await agent.start("true", {}, CHAT_B);

  const counts = [await agent.list(CHAT_A), await agent.list(CHAT_B), await agent.list()].map((list) => list.length);

  assertEquals(counts, [2, 1, 3]);
});

Deno.test("GET /list shows the ten newest", async () => {
  await using agent = new TestRoutes();
  const ids: string[] = [];
  for (let i = 0; i < 12; i++) {
    ids.push(await agent.start("true"));
    await agent.output(ids.at(-1)!, "?wait=true");
  }

  assertEquals((await agent.list()).map((process) => process.id), ids.toReversed().slice(0, 10));
});

for (const jumpMs of [0, 3_600_000, -3_600_000]) {
  const clockIs = `the clock ${jumpMs === 0 ? "runs on" : `is set by ${jumpMs} ms`}`;
  Deno.test(`GET /list forgets a process five minutes after its end, and not before, when ${clockIs}`, async () => {
    await using agent = new TestRoutes();
    const id = await agent.start("true");
    await agent.output(id, "?wait=true");

    agent.clock.jump(jumpMs);
    await agent.clock.advance(5 * 60_000);
    assertEquals((await agent.list()).length, 1);
    await agent.clock.advance(1);

    assertEquals(await agent.list(), []);
    assertEquals((await agent.get(`/${id}/output`)).status, 404);
  });
}

Deno.test("GET /list keeps a process whose descendant still holds the output", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("sleep 60 & exit 0");
  await agent.output(id, "?wait=true");

  await agent.clock.advance(10 * 60_000);

  assertEquals((await agent.list()).map((process) => [process.id, process.output_open]), [[id, true]]);
});

Deno.test("the table keeps only the newest ended processes and a bounded part of their output", async () => {
  await using agent = new TestRoutes({ config: { maxExited: 3, retainedBytes: 25_000, streamBytes: 10_000 } });
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    ids.push(await agent.start("head -c 10000 /dev/zero"));
    await agent.output(ids.at(-1)!, "?wait=true");
  }

  assertEquals((await agent.list()).map((process) => process.id), ids.toReversed().slice(0, 3));
  const held = ids.map((id) => agent.table.find(id)?.heldBytes);
  assertEquals(held, [undefined, undefined, 0, 10_000, 10_000]);
});

Deno.test("GET /{id}/output gives the result of an ended process", async () => {
  await using agent = new TestRoutes();

  const body = await agent.run("echo hello; exit 42");

  assertEquals(body, { output: "hello\n", running: false, exit_code: 42, output_open: false, output_bytes: 6 });
});

Deno.test("GET /{id}/output gives what a running process has written", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("echo hello; sleep 60");
  await agent.until(id, "hello");

  const body = await agent.output(id);

  assertEquals(body, { output: "hello\n", running: true, output_open: true, output_bytes: 6 });
});

Deno.test("GET /{id}/output answers 404 for an unknown process", async () => {
  await using agent = new TestRoutes();

  const response = await agent.get("/nope/output");

  assertEquals(response.status, 404);
  assertEquals((await response.json()).message, 'Process "nope" not found');
});

Deno.test("routes of a process answer another chat as if it did not exist", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("sleep 60", {}, CHAT_A);

  for (const path of ["output", "stream"]) {
    const response = await agent.get(`/${id}/${path}`, { headers: CHAT_B });
    assertEquals(response.status, 404);
    assertEquals((await response.json()).message, `Process "${id}" not found`);
  }
  // The chat is checked before the body is looked at.
  assertEquals((await agent.post(`/${id}/signal`, "{", CHAT_B)).status, 404);
  assertEquals((await agent.get(`/${id}/output`)).status, 200);
  assertEquals((await agent.post(`/${id}/signal`, { signal: "kill" }, CHAT_A)).status, 200);
});

Deno.test("GET /{id}/output?wait=true answers at the end, with everything that was written", async () => {
  await using agent = new TestRoutes();
  const directory = await Deno.makeTempDir();
  const fifo = `${directory}/go`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  const id = await agent.start(`read line < ${fifo}; echo "got $line"`);
  const waiting = agent.output(id, "?wait=true");

  await Deno.writeTextFile(fifo, "it\n");

  assertEquals(await waiting, {
    output: "got it\n",
    running: false,
    exit_code: 0,
    output_open: false,
    output_bytes: 7,
  });
});

Deno.test("GET /{id}/output?wait=true answers at once when the process has ended", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("exit 1");
  await agent.output(id, "?wait=true");

  assertEquals((await agent.output(id, "?wait=true")).exit_code, 1);
});

Deno.test("GET /{id}/output waits for nothing but the word true", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("sleep 60");

  for (const query of ["", "?wait=1", "?wait=false", "?wait=TRUE"]) {
    assertEquals((await agent.output(id, query)).running, true);
  }
});

Deno.test("GET /{id}/output?wait=true ends with the client, and with five minutes", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("sleep 60");
  const client = new AbortController();

  const leaving = agent.get(`/${id}/output?wait=true`, { signal: client.signal });
  client.abort();
  assertEquals((await (await leaving).json()).running, true);

  const patient = agent.output(id, "?wait=true");
  await agent.clock.untilSleeping();
  await agent.clock.advance(5 * 60_000);
  assertEquals((await patient).running, true);
});

Deno.test("GET /{id}/output?wait=true releases every waiter", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("sleep 60");
  const waiting = Promise.all([1, 2, 3].map(() => agent.output(id, "?wait=true")));

  await agent.post(`/${id}/signal`, { signal: "kill" });

  assertEquals((await waiting).map(({ exit_code, signal }) => [exit_code, signal]), [
    [-1, "SIGKILL"],
    [-1, "SIGKILL"],
    [-1, "SIGKILL"],
  ]);
  assertEquals(agent.clock.sleeping, 0);
});

Deno.test("GET /{id}/output gives standard error in its order", async () => {
  await using agent = new TestRoutes();

  assertEquals((await agent.run("echo one; echo two >&2; echo three")).output, "one\ntwo\nthree\n");
});

Deno.test("GET /{id}/output says what is missing in a long output", async () => {
  await using agent = new TestRoutes();

  const { output, truncated } = await agent.run("seq 1 20000");

  assert(truncated);
  assertStringIncludes(output, `... [omitted ${truncated.omitted_bytes} bytes] ...`);
  assert(truncated.omitted_bytes > 0 && truncated.original_bytes > truncated.retained_bytes);
  assertEquals(truncated.original_bytes, 108_894);
  assert(output.endsWith("\n20000\n"));
});

Deno.test("a background child that keeps the output open does not hold the caller", async () => {
  await using agent = new TestRoutes();

  const body = await agent.run("sleep 60 & echo started; exit 7");

  assertEquals(body, { output: "started\n", running: false, exit_code: 7, output_open: true, output_bytes: 8 });
});

Deno.test("a background child goes on writing after the command has ended", async () => {
  await using agent = new TestRoutes();
  const directory = await Deno.makeTempDir();
  const fifo = `${directory}/go`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  const id = await agent.start(`(read line < ${fifo}; head -c 200000 /dev/zero; echo done) & exit 0`);
  assertEquals((await agent.output(id, "?wait=true")).running, false);

  await Deno.writeTextFile(fifo, "go\n");
  await agent.table.find(id)?.outputClosed;

  const body = await agent.output(id);
  assertEquals([body.output_open, body.output_bytes], [false, 200_005]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("POST /{id}/signal kills and terminates", async () => {
  await using agent = new TestRoutes();

  for (const [word, signal] of [["kill", "SIGKILL"], ["terminate", "SIGTERM"]]) {
    const id = await agent.start("sleep 60");
    const response = await agent.post(`/${id}/signal`, { signal: word });
    const { message } = await response.json();
    assertEquals(response.status, 200);
    assertStringIncludes(message, `${word}`);
    assertStringIncludes(message, id);
    const body = await agent.output(id, "?wait=true");
    assertEquals([body.running, body.exit_code, body.signal], [false, -1, signal]);
  }
});

Deno.test("POST /{id}/signal lets a process that catches SIGTERM choose its exit code", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("trap 'echo bye; exit 9' TERM; echo ready; sleep 60 >/dev/null & wait");
  await agent.until(id, "ready");

  await agent.post(`/${id}/signal`, { signal: "terminate" });

  const { output, exit_code, signal } = await agent.output(id, "?wait=true");
  assertEquals([output, exit_code, signal], ["ready\nbye\n", 9, undefined]);
});

Deno.test("POST /{id}/signal terminates a stopped process, and kills one that ignores SIGTERM", async () => {
  await using agent = new TestRoutes();
  const stopped = await agent.start("echo ready; kill -STOP $$");
  await agent.until(stopped, "ready");
  const { pid } = agent.table.find(stopped)!;
  while (!/\) T /.test(await Deno.readTextFile(`/proc/${pid}/stat`)));
  const stubborn = await agent.start("trap '' TERM; echo ready; while :; do sleep 0.01; done");
  await agent.until(stubborn, "ready");

  await agent.post(`/${stopped}/signal`, { signal: "terminate" });
  await agent.post(`/${stubborn}/signal`, { signal: "terminate" });
  assertEquals((await agent.output(stopped, "?wait=true")).signal, "SIGTERM");
  assertEquals((await agent.output(stubborn)).running, true);
  await agent.post(`/${stubborn}/signal`, { signal: "kill" });

  assertEquals((await agent.output(stubborn, "?wait=true")).signal, "SIGKILL");
});

Deno.test("POST /{id}/signal kills the whole tree", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("for i in 1 2 3 4; do (sleep 60 & sleep 60 & wait) & done; echo ready; wait");
  await agent.until(id, "ready");
  const { pid } = agent.table.find(id)!;
  assert(membersOf(pid) >= 5);

  await agent.post(`/${id}/signal`, { signal: "kill" });
  await agent.table.find(id)!.outputClosed;

  assertEquals((await agent.output(id)).output_open, false);
  await agent.table.close();
  assertEquals(membersOf(pid), 0);
});

Deno.test("POST /{id}/signal after the end reaches what the process left running, then answers 409", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("sleep 60 & exit 0");
  await agent.output(id, "?wait=true");

  assertEquals((await agent.post(`/${id}/signal`, { signal: "kill" })).status, 200);
  await agent.table.find(id)!.outputClosed;
  while (membersOf(agent.table.find(id)!.pid) > 0);

  const response = await agent.post(`/${id}/signal`, { signal: "kill" });
  assertEquals(response.status, 409);
  assertStringIncludes((await response.json()).message, "is not running");
});

Deno.test("POST /{id}/signal answers 409 for an ended process", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("true");
  await agent.output(id, "?wait=true");

  const response = await agent.post(`/${id}/signal`, { signal: "terminate" });

  assertEquals(response.status, 409);
  assertEquals((await response.json()).message, `Process "${id}" is not running`);
});

Deno.test("POST /{id}/signal checks the body before it looks for the process", async () => {
  await using agent = new TestRoutes();
  const cases: [unknown, number, string][] = [
    ["{", 400, "valid JSON"],
    [{ signal: "" }, 400, "Signal is required"],
    [{}, 400, "Signal is required"],
    [{ signal: "SIGKILL" }, 400, "Unsupported signal"],
    [{ signal: "constructor" }, 400, "Unsupported signal"],
    [{ signal: "kill" }, 404, "not found"],
  ];

  for (const [body, status, message] of cases) {
    const response = await agent.post("/unknown/signal", body);
    assertEquals(response.status, status);
    assertStringIncludes((await response.json()).message, message);
  }
});

Deno.test("POST /{id}/stdin writes input, and closes it when asked to", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("cat; echo end", { stdin: "piped" });

  assertEquals((await agent.post(`/${id}/stdin`, "one ")).status, 200);
  assertEquals((await agent.post(`/${id}/stdin?close=true`, "two ")).status, 200);

  assertEquals((await agent.output(id, "?wait=true")).output, "one two end\n");
});

Deno.test("POST /{id}/stdin answers 409 when there is no input to write to", async () => {
  await using agent = new TestRoutes();
  const without = await agent.start("sleep 60");
  const ended = await agent.start("true", { stdin: "piped" });
  await agent.output(ended, "?wait=true");

  for (const [id, message] of [[without, "started without input"], [ended, "is not running"]] as const) {
    const response = await agent.post(`/${id}/stdin`, "x");
    assertEquals(response.status, 409);
    assertStringIncludes((await response.json()).message, message);
  }
});

Deno.test("POST /{id}/stdin ends with the process, whatever the client has left to send", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("read line; echo got $line", { stdin: "piped" });
  const endless = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("it\n")) });

  const response = await agent.post(`/${id}/stdin`, endless);

  assertEquals(response.status, 409);
  assertEquals((await agent.output(id)).output, "got it\n");
});

Deno.test("200 starts at once all run and tell their own output", async () => {
  await using agent = new TestRoutes({ config: { maxProcesses: 200 } });

  const outputs = await Promise.all(Array.from({ length: 200 }, async (_, i) => (await agent.run(`echo ${i}`)).output));

  assertEquals(outputs, Array.from({ length: 200 }, (_, i) => `${i}\n`));
});

Deno.test("output that splits characters arrives whole", async () => {
  await using agent = new TestRoutes();

  const { output } = await agent.run(
    `printf '\\303'; sleep 0.02; printf '\\274\\342\\202'; sleep 0.02; printf '\\254\\n'`,
  );

  assertEquals(output, "ü€\n");
});

Deno.test("close() kills everything: trees, what ended processes left behind, and starts under way", async () => {
  const agent = new TestRoutes();
  const tree = await agent.start("trap '' TERM; (trap '' TERM; sleep 60 & sleep 60) & echo ready; sleep 60");
  await agent.until(tree, "ready");
  const left = await agent.start("sleep 60 & exit 0");
  await agent.output(left, "?wait=true");
  const escaped = await agent.start("setsid sh -c 'echo $$; exec sleep 60' & exit 0");
  await agent.until(escaped, "\n");
  const outside = Number(agent.table.find(escaped)!.view.view().output);
  const pids = [tree, left].map((id) => agent.table.find(id)!.pid);
  const late = agent.post("/start", { command: "sleep 60" });

  await agent[Symbol.asyncDispose]();

  const response = await late;
  assertEquals([response.status, (await response.json()).detail], [500, "manager is closed"]);
  assertEquals(pids.map(membersOf), [0, 0]);
  assertEquals(agent.refusals, ["stopping"]);
  // A process that left its group is out of reach of a group's signal; the test ends it.
  Deno.kill(outside, "SIGKILL");
});

Deno.test("terminate() asks first, and gives stubborn processes as long as configured", async () => {
  await using agent = new TestRoutes({ config: { terminateMs: 700 } });
  const polite = await agent.start("trap 'echo bye; exit 0' TERM; echo ready; sleep 60 >/dev/null & wait");
  const stubborn = await agent.start("trap '' TERM; echo ready; while :; do sleep 0.01; done");
  for (const id of [polite, stubborn]) await agent.until(id, "ready");

  const terminating = agent.table.terminate(new AbortController().signal);
  await agent.table.find(polite)!.ended;
  await agent.clock.untilSleeping();
  await agent.clock.advance(700);
  await terminating;

  assertEquals((await agent.output(polite)).output, "ready\nbye\n");
  assertEquals((await agent.output(stubborn)).running, true);
  assertEquals((await agent.post("/start", { command: "true" })).status, 500);
});

Deno.test("POST /start with hold_output lets the command wait for its reader, and then run on without one", async () => {
  await using agent = new TestRoutes({ config: { readerGraceMs: 1000 } });
  const bytes = 5_000_000;
  const id = await agent.start(`head -c ${bytes} /dev/zero`, { hold_output: true });
  const reader = (await agent.get(`/${id}/stream`)).body!.getReader();
  const first = await reader.read();
  await agent.clock.advance(60_000);
  const held = await agent.output(id);
  assertEquals([first.done, held.running, held.output_bytes < 1_000_000], [false, true, true]);

  await reader.cancel();
  await agent.clock.untilSleeping();
  await agent.clock.advance(1000);

  const { exit_code, output_bytes } = await agent.output(id, "?wait=true");
  assertEquals([exit_code, output_bytes], [0, bytes]);
});

Deno.test("POST /start with hold_output loses nothing for a reader that is slow", async () => {
  await using agent = new TestRoutes({ config: { streamBytes: 0 } });
  const id = await agent.start("seq 1 300000; seq 1 200000 >&2", { hold_output: true, output: "separate" });
  const other = await agent.run("echo not held up");

  const text = await (await agent.get(`/${id}/stream`)).text();

  const seen = { output: "", errors: "" };
  for (const line of text.split("\n").filter((line) => line.startsWith('data:{"stream"'))) {
    const { stream, text, bytes } = JSON.parse(line.slice("data:".length));
    assertEquals(bytes, undefined);
    seen[stream as keyof typeof seen] += text;
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join("");
  assert(seen.output === numbers(300_000) && seen.errors === numbers(200_000));
  assertEquals(other.output, "not held up\n");
});

Deno.test("POST /{id}/signal interrupts a command, also one that is stopped", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start(
    "trap 'echo interrupted; exit 3' INT; echo ready; kill -STOP $$; while :; do sleep 0.01; done",
  );
  await agent.until(id, "ready");

  assertEquals((await agent.post(`/${id}/signal`, { signal: "interrupt" })).status, 200);

  const { output, exit_code } = await agent.output(id, "?wait=true");
  assertEquals([output, exit_code], ["ready\ninterrupted\n", 3]);
});

Deno.test("POST /{id}/signal kills what left the group too, and names it", async () => {
  await using agent = new TestRoutes();
  const id = await agent.start("setsid sh -c 'echo ready; exec sleep 600' & wait");
  await agent.until(id, "ready");

  const response = await agent.post(`/${id}/signal`, { signal: "kill" });

  const { message, ended, survivors } = await response.json();
  assertEquals([message, ended.length, survivors], [`Signal "kill" sent to process "${id}"`, 2, []]);
  assertEquals((await agent.output(id, "?wait=true")).output_open, false);
});

Deno.test("POST /start limits a process and says what holds it to its limits", async () => {
  await using routes = new TestRoutes({ config: { limits: { openFiles: 40 } } });

  const body = { command: "ulimit -n", limits: { open_files: 20 }, client_token: "t" };
  const started = await routes.post("/start", body);
  const { id, limits } = await started.json();
  assertEquals(limits, { open_files: "rlimit" });
  const { output } = await (await routes.get(`/${id}/output?wait=true`)).json();
  assertEquals(output, "20\n");

  const looser = await (await routes.post("/start", { command: "ulimit -n", limits: { open_files: 80 } })).json();
  assertEquals((await (await routes.get(`/${looser.id}/output?wait=true`)).json()).output, "40\n");

  const other = await routes.post("/start", { ...body, limits: { open_files: 21 } });
  assertEquals(other.status, 409);
});

Deno.test("POST /start refuses limits under which no program starts", async () => {
  await using routes = new TestRoutes();

  const refused = await routes.post("/start", { command: "true", limits: { memory_bytes: 1000 } });

  assertEquals(refused.status, 400);
  assertEquals((await refused.json()).validations[0].field, "limits.memory_bytes");
});

Deno.test("the end of a process says when memory ran out, where a control group can tell", async () => {
  await using routes = new TestRoutes();
  const command = "head -c 300M /dev/zero | tail | wc -c";

  const started = await (await routes.post("/start", { command, limits: { memory_bytes: 64 << 20 } })).json();
  const ended = await routes.output(started.id, "?wait=true");

  assertEquals(ended.oom, started.limits.memory === "rlimit" ? undefined : true);
  assertEquals(ended.output.includes("314572800"), false);
});
