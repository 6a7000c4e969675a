import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { definePlugin, type Plugin, type StartGiven, type StartSettings } from "../../plugin.ts";
import { RecordedIo } from "../recorded_io.ts";
import { run } from "../run.ts";

const hello = definePlugin({
  ...{ id: "hello", version: "1.0.0", api: 1, summary: "Says hello.", stability: "stable" },
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.text("hello"));
    ctx.announce({ addresses: { greeter: "127.0.0.1:7" } });
  },
});

interface Started {
  readonly io: RecordedIo;
  readonly directory: string;
  readonly socket: string;
  readonly exit: Promise<number>;
  run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
}

/** Starts an agent in a directory of its own, and ends it. */
async function withStarted(
  options: {
    readonly verb?: string;
    readonly args?: string[];
    readonly plugins?: readonly Plugin[];
    readonly env?: Record<string, string>;
  },
  use: (started: Started) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const socket = join(directory, "a.sock");
  const program = {
    build: { name: "outpost", version: "1.2.3" },
    plugins: options.plugins ?? [hello],
    invocation: "outpost",
  };
  const env = { XDG_RUNTIME_DIR: directory, ...options.env };
  const io = new RecordedIo({ env, cwd: directory });
  const { verb = "start" } = options;
  const args = [verb, ...(verb === "start" ? ["--log-level", "error"] : []), "--unix", "a.sock", ...options.args ?? []];
  const exit = run(args, io, program);
  try {
    await use({
      ...{ io, directory, socket, exit },
      async run(...words) {
        const other = new RecordedIo({ env, cwd: directory });
        const code = await run(words, other, program);
        return { code, out: other.output, err: other.errors };
      },
    });
  } finally {
    io.signal("SIGTERM");
    await exit;
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("start() says where it listens, serves, and ends with 0 after a signal", () =>
  withStarted({}, async ({ io, socket, directory, exit }) => {
    const text = await io.outputs(/Try: /);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)![0];
    assertStringIncludes(text, `socket ${socket}; greeter 127.0.0.1:7; token in ${directory}/a.token; plugins: hello`);

    const token = (await Deno.readTextFile(join(directory, "a.token"))).trim();
    const answer = await fetch(`${url}/api/v0/hello`, { headers: { authorization: `Bearer ${token}` } });
    assertEquals(await answer.text(), "hello");

    io.signal("SIGTERM");
    assertEquals(await exit, 0);
    assertEquals(io.errors, "");
    assertEquals([...Deno.readDirSync(directory)], []);
  }));

Deno.test("start() prints one JSON event for programs", () =>
  withStarted({ args: ["--log-format", "json"] }, async ({ io, socket, directory }) => {
    const event = JSON.parse(await io.outputs(/\n/));

    assertEquals([event.event, event.unix, event.greeter], ["listening", socket, "127.0.0.1:7"]);
    assertEquals([event.token_file, event.plugins, event.pid], [`${directory}/a.token`, ["hello"], Deno.pid]);
    assert(/^http:\/\/127\.0\.0\.1:\d+$/.test(event.http));
  }));

Deno.test("start() refuses a socket on which another agent listens, and says how to choose another", () =>
  withStarted({}, async ({ io, socket, run }) => {
    await io.outputs(/Try: /);

    const { code, err } = await run("start", "--unix", socket);

    assertEquals(code, 1);
    assertEquals(
      err,
      `Error: Another agent listens on "${socket}". Stop it, or choose another socket: outpost start --unix PATH\n`,
    );
  }));

Deno.test("start() lets a second agent work beside the first on a socket of its own", () =>
  withStarted({}, async (first) => {
    await first.io.outputs(/Try: /);
    await withStarted({}, async (second) => {
      await second.io.outputs(/Try: /);

      assertStringIncludes((await first.run("plugins", "--unix", first.socket)).out, "running");
      assertStringIncludes((await second.run("plugins", "--unix", second.socket)).out, "running");
    });
  }));

Deno.test("start() takes the token from a file that holds one, and leaves the file alone", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "s3cret\n");
    await withStarted({ args: ["--token-file", file, "--log-format", "json"] }, async ({ io }) => {
      const event = JSON.parse(await io.outputs(/\n/));
      assertEquals(event.token_file, file);

      const headers = { authorization: "Bearer s3cret" };
      const answer = await fetch(`${event.http}/api/v0/hello`, { headers });
      assertEquals([answer.status, await answer.text()], [200, "hello"]);
    });
    assertEquals(await Deno.readTextFile(file), "s3cret\n");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("start() exits with 2 and lists every problem of the configuration, as JSON for programs", () =>
  withStarted({}, async ({ run }) => {
    const wrong = ["--set", "agent.bogus=1", "--set", "plugins.helo=true"];

    const human = await run("start", ...wrong);
    assertEquals(human.code, 2);
    assertStringIncludes(human.err, "2 problems");

    const { code, err } = await run("start", "--log-format", "json", ...wrong);
    assertEquals(code, 2);
    const paths = JSON.parse(err).problems.map(({ path }: { path: string }) => path);
    assertEquals(paths, ["agent.bogus", "plugins.helo"]);
  }));

Deno.test("start() exits with 1 when a required plugin fails", async () => {
  const broken = definePlugin({
    ...{ id: "broken", version: "1.0.0", api: 1, summary: "Is broken.", stability: "stable" },
    setup() {
      throw new Error("no luck");
    },
  });

  await withStarted({ plugins: [broken], args: ["--set", "plugins.broken.required=true"] }, async ({ io, exit }) => {
    assertEquals(await exit, 1);
    assertStringIncludes(io.errors, "no luck");
  });
});

Deno.test("open() prints a link that lets a browser in once", () =>
  withStarted({}, async ({ io, run, socket }) => {
    await io.outputs(/Try: /);

    const { out } = await run("open", "--unix", socket);

    const first = await fetch(out.trim(), { redirect: "manual" });
    assertEquals(first.status, 303);
    assert(first.headers.get("set-cookie")?.includes("HttpOnly"));
    await first.body?.cancel();
    const second = await fetch(out.trim(), { redirect: "manual" });
    assertEquals(second.status, 410);
    await second.body?.cancel();
  }));

/** A plugin that lives on in a second life, and tells which one it is in. */
function living(fails = false): Plugin {
  return definePlugin({
    ...{ id: "living", version: "1.0.0", api: 1, summary: "Lives twice.", stability: "stable" },
    setup(ctx) {
      const life = Number(ctx.renewal.carried.life ?? "1");
      ctx.announce({ addresses: { life: String(life) } });
      if (life === 1) ctx.hooks.onReady(() => ctx.renewal.request("grown up", { life: "2" }));
      else if (fails) throw new Error("the second life is none");
    },
  });
}

Deno.test("start() begins another life in the same process when a plugin asks for it, and ends with a signal", () =>
  withStarted({ plugins: [living()] }, async ({ io, exit, run }) => {
    await io.outputs(/life 2;/);

    assertEquals((io.output.match(/listens:/g) ?? []).length, 2);
    assertStringIncludes((await run("plugins", "--unix", "a.sock")).out, "living");
    io.signal("SIGTERM");
    assertEquals(await exit, 0);
  }));

Deno.test("start() ends as a failed start does when the second life cannot begin", () =>
  withStarted(
    { plugins: [living(true)], args: ["--set", "plugins.living.required=true"] },
    async ({ io, exit }) => {
      assertEquals(await exit, 1);
      assertStringIncludes(io.errors, "the second life is none");
    },
  ));

Deno.test("start() reads the words of another program, as the plugin that knows them says", () => {
  const settings: StartSettings = {
    defaults: { agent: { directory: "/from-defaults" }, plugins: { hello: { onFailure: "retry" } } },
    overrides: [{ path: ["agent", "http", "handlerMs"], value: 1234, source: "--patience" }],
    notes: [{ level: "info", message: "hello from another program", fields: { patience: 1234 } }],
  };
  let given: StartGiven | undefined;
  const knowing = definePlugin({
    ...{ id: "knowing", version: "1.0.0", api: 1, summary: "Knows.", stability: "stable", setup() {} },
    starts: [{
      name: "serve",
      summary: "Start as another program is started.",
      flags: [
        { name: "patience", value: "MS", summary: "Time for one request." },
        { name: "log-level", value: "LEVEL", summary: "Its own, in the place of the agent's." },
      ],
      load: () =>
        Promise.resolve((all) => {
          given = all;
          return settings;
        }),
    }],
  });
  const args = ["--patience", "1234", "--log-level=info", "--set", "agent.http.maxBodyBytes=99"];
  return withStarted({ plugins: [hello, knowing], verb: "serve", args, env: { SEEN: "yes" } }, async ({ io, run }) => {
    await io.outputs(/Try: /);
    const info = await run("exec"); // Something else of this binary still works.
    const help = await run("help", "serve");

    assertEquals([given!.flag("patience"), given!.flag("none"), given!.env.SEEN], [["1234"], [], "yes"]);
    assertEquals([...given!.plugins], ["hello", "knowing"]);
    assertEquals(info.code, 2);
    assertStringIncludes(help.out, "--patience MS");
    assertStringIncludes(help.out, "--listen HOST:PORT");
    assertEquals(help.out.match(/--log-level/g)?.length, 1);
  });
});
