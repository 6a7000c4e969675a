import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { RecordedIo, type RecordedIoOptions } from "../recorded_io.ts";
import { run } from "../run.ts";

/** What a process of the stand-in agent does. */
interface Script {
  /** Events of the output stream; `hang` keeps it open until a signal comes. */
  readonly events?: readonly (readonly [event: string, data: unknown])[];
  readonly refuse?: Response;
  /** Answers a signal; what it returns is sent as the last event. */
  readonly onSignal?: (name: string) => readonly [event: string, data: unknown] | undefined;
}

/** What the stand-in agent was asked. */
interface Asked {
  start?: Record<string, unknown>;
  /** Resolves when standard input has come to its end. */
  readonly input: PromiseWithResolvers<string>;
  readonly signals: string[];
}

/** An agent that speaks the process protocol and starts nothing. */
async function withAgent(
  script: Script,
  use: (exec: (args: string[], options?: RecordedIoOptions) => Running, asked: Asked) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "a.sock");
  const asked: Asked = { input: Promise.withResolvers(), signals: [] };
  const encoder = new TextEncoder();
  const encode = ([event, data]: readonly [string, unknown]) =>
    encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  let stream: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  const finish = (...events: readonly (readonly [string, unknown])[]) => {
    for (const event of events) stream?.enqueue(encode(event));
    stream?.close();
    stream = undefined;
  };
  const server = Deno.serve({ path, onListen() {} }, async (request) => {
    const route = `${request.method} ${new URL(request.url).pathname}`;
    if (route === "POST /api/v0/processes/start") {
      asked.start = await request.json();
      return script.refuse ?? Response.json({ id: "p 1", started: true });
    }
    if (route === "GET /api/v0/processes/p%201/stream") {
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({ start: (controller) => void (stream = controller) });
      if (script.onSignal === undefined) finish(...script.events ?? []);
      else for (const event of script.events ?? []) stream!.enqueue(encode(event));
      return new Response(body);
    }
    if (route === "POST /api/v0/processes/p%201/stdin") {
      asked.input.resolve(await request.text());
      return Response.json({});
    }
    if (route === "POST /api/v0/processes/p%201/signal") {
      const { signal } = await request.json();
      asked.signals.push(signal);
      const last = script.onSignal?.(signal);
      if (last !== undefined) finish(last);
      return Response.json({});
    }
    return Response.json({ message: `no ${route}` }, { status: 404 });
  });
  try {
    await use((args, options) => {
      const io = new RecordedIo({ cwd: "/project", ...options });
      const program = { build: { name: "outpost", version: "1" }, plugins: [], invocation: "outpost" };
      return { io, code: run(["exec", "--unix", path, ...args], io, program) };
    }, asked);
  } finally {
    if (stream !== undefined) finish();
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
}

interface Running {
  readonly io: RecordedIo;
  readonly code: Promise<number>;
}

function output(text: string, stream = "output"): readonly [string, unknown] {
  return ["output", { stream, offset: 0, text }];
}

Deno.test("exec() shows both streams where they belong and passes on the exit code", () =>
  withAgent({
    events: [
      output("out\n"),
      output("err\n", "errors"),
      ["output", { stream: "output", offset: 4, base64: "w7wK" }],
      ["exit", { exit_code: 7 }],
    ],
  }, async (exec) => {
    const { io, code } = exec(["--", "make"]);

    assertEquals([await code, io.output, io.errors], [7, "out\nü\n", "err\n"]);
  }));

Deno.test("exec() sends one word as a line, several as a program with arguments, as they are", () =>
  withAgent({ events: [["exit", { exit_code: 0 }]] }, async (exec, asked) => {
    await exec(["make | tail"]).code;
    assertEquals(asked.start, {
      command: "make | tail",
      env: {},
      output: "separate",
      stdin: "null",
      hold_output: true,
    });

    await exec(["--cwd", "sub", "--env", "A=1", "--env", "B=x=y", "--", "ls", "--json", "a b"]).code;
    assertEquals(asked.start, {
      command: "ls",
      args: ["--json", "a b"],
      workdir: "/project/sub",
      env: { A: "1", B: "x=y" },
      output: "separate",
      stdin: "null",
      hold_output: true,
    });
  }));

Deno.test("exec() reports the end by a signal as shells do", () =>
  withAgent({ events: [["exit", { exit_code: -1, signal: "SIGKILL" }]] }, async (exec) => {
    assertEquals(await exec(["x"]).code, 137);
  }));

Deno.test("exec() passes standard input on and closes it", () =>
  withAgent({
    onSignal: () => ["exit", { exit_code: 0 }],
  }, async (exec, asked) => {
    const { io, code } = exec(["cat"], { input: "given\n" });
    const input = await asked.input.promise;
    io.signal("SIGINT");
    await code;

    assertEquals([input, asked.start?.stdin], ["given\n", "piped"]);
  }));

for (
  const [given, sent] of [
    [["SIGINT", "SIGINT", "SIGINT"], ["interrupt", "terminate", "kill"]],
    [["SIGTERM", "SIGINT"], ["terminate", "kill"]],
    [["SIGINT", "SIGHUP", "SIGTERM"], ["interrupt", "terminate", "kill"]],
  ] as const
) {
  Deno.test(`exec() makes of ${given.join(", ")} what ends the command, gently at first`, () =>
    withAgent({
      events: [output("working")],
      onSignal: (name) => name === "kill" ? ["exit", { exit_code: -1, signal: "SIGKILL" }] : undefined,
    }, async (exec, asked) => {
      const { io, code } = exec(["stubborn"]);
      await io.outputs(/working/);

      for (const signal of given) io.signal(signal);

      assertEquals(await code, 137);
      assertEquals(asked.signals, [...sent]);
    }));
}

Deno.test("exec() does not wait any more after a fourth signal", () =>
  withAgent({ events: [output("working")], onSignal: () => undefined }, async (exec) => {
    const { io, code } = exec(["stubborn"]);
    await io.outputs(/working/);

    for (const signal of ["SIGINT", "SIGINT", "SIGINT", "SIGTERM"] as const) io.signal(signal);

    assertEquals(await code, 143);
  }));

for (const [code, reported] of [[0, 1], [7, 7]] as const) {
  Deno.test(`exec() says that output was lost and ends with ${reported} after ${code}`, () =>
    withAgent({
      events: [
        ["gap", { stream: "output", offset: 0, bytes: 12 }],
        output("rest"),
        ["gap", { stream: "errors", offset: 0, bytes: 30 }],
        ["exit", { exit_code: code }],
      ],
    }, async (exec) => {
      const { io, code } = exec(["x"]);

      assertEquals([await code, io.output], [reported, "rest"]);
      assertStringIncludes(io.errors, "Error: 42 bytes of output were lost");
    }));
}

Deno.test("exec() fails when the agent ends before the command", () =>
  withAgent({ events: [output("half")] }, async (exec) => {
    const { io, code } = exec(["x"]);

    assertEquals([await code, io.output], [1, "half"]);
    assertStringIncludes(io.errors, "The agent ended before the command did");
  }));

Deno.test("exec() repeats the agent's words when it refuses the start", () =>
  withAgent({
    refuse: Response.json({ message: "Failed to start process", detail: "no such directory" }, { status: 500 }),
  }, async (exec) => {
    const { io, code } = exec(["x"]);

    assertEquals(await code, 1);
    assertEquals(io.errors, "Error: Failed to start process: no such directory\n");
  }));

Deno.test("exec() refuses a variable without a name, and no command", () =>
  withAgent({}, async (exec) => {
    assertEquals(await exec(["--env", "=x", "--", "ls"]).code, 2);
    assertEquals(await exec([]).code, 2);
  }));
