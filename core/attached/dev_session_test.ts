import { deadline } from "@std/async/deadline";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { resolveConfig } from "../config/resolve_config.ts";
import { systemClock } from "../clock.ts";
import { NETWORK_VARIABLES } from "../network_variables.ts";
import { runDevSession } from "./dev_session.ts";

const PLUGIN = new URL("../plugin.ts", import.meta.url).href;
const SERVE = new URL("./mod.ts", import.meta.url).href;

function source(version: string, more = ""): string {
  return `import { definePlugin } from ${JSON.stringify(PLUGIN)};
import { serveAttached } from ${JSON.stringify(SERVE)};
const plugin = definePlugin({
  id: "draft", version: ${JSON.stringify(version)}, api: 1, summary: "A draft.", stability: "experimental",
  setup(ctx) {
    const asked = ctx.metrics.counter("asked_total", { help: "Requests." });
    ctx.routes.app.get("/", (c) => (asked.inc(), c.text("version ${version}")));
    ${more}
  },
});
export default plugin;
if (import.meta.main) await serveAttached(plugin);
`;
}

/** A project beside the repository, which finds what the core imports. */
async function project(): Promise<string> {
  const root = new URL("../../", import.meta.url);
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root))) as {
    readonly imports: Record<string, string>;
  };
  const absolute = Object.entries(imports).map((
    [name, target],
  ) => [name, target.startsWith(".") ? new URL(target, root).href : target]);
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(
    join(directory, "deno.json"),
    JSON.stringify({ imports: Object.fromEntries(absolute), lock: false }),
  );
  return directory;
}

/** Longest wait for the session to show something, in milliseconds. Only ends hangs. */
const HANG_MS = 60_000;

/** Collects what is written, and waits for it. `reads` does what a person does who has just read it. */
function screen(reads: (piece: string) => Promise<void> = () => Promise.resolve()) {
  let text = "";
  const waiting = new Set<() => void>();
  return {
    async out(piece: string): Promise<void> {
      text += piece;
      for (const wake of waiting) wake();
      await reads(piece);
    },
    async shows(pattern: RegExp): Promise<string> {
      const change = () => new Promise<void>((resolve) => waiting.add(resolve));
      try {
        while (!pattern.test(text)) await deadline(change(), HANG_MS);
      } catch (error) {
        throw new Error(`Expected ${pattern}, and the session shows: ${text}`, { cause: error });
      }
      const shown = text;
      text = "";
      return shown;
    },
  };
}

/** What Deno needs to run and to check a file. */
function environment(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", ...NETWORK_VARIABLES];
  return Object.fromEntries(names.flatMap((name) => Deno.env.get(name) ? [[name, Deno.env.get(name)!]] : []));
}

function processesWith(mark: string): readonly string[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => {
    try {
      return /^\d+$/.test(name) && Deno.readTextFileSync(`/proc/${name}/environ`).includes(mark);
    } catch {
      return false; // Gone, or of another user.
    }
  });
}

Deno.test({
  name:
    "runDevSession() runs a file, starts it again when it is saved, shows faults and metrics, and leaves nothing behind",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const directory = await project();
    const file = join(directory, "draft.ts");
    const mark = crypto.randomUUID();
    const end = new AbortController();
    let answer: string | undefined;
    let date = Date.now();
    const terminal = screen(async (piece) => {
      const [, token = "", url = ""] = /Bearer (\S+)" (\S+)/.exec(piece) ?? [];
      if (answer !== undefined || url === "") return;
      answer = await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
    });
    await Deno.writeTextFile(file, source("1.0.0"));
    const session = runDevSession({
      ...{ file, config: resolveConfig({ raw: {} }), env: { ...environment(), DEV_MARK: mark }, signal: end.signal },
      ...{ out: terminal.out, logSink() {} },
      // Quiet is what has passed, so a machine's clock that is set back all the time is nothing to wait for.
      clock: { ...systemClock, now: () => date -= 3_600_000 },
    });
    try {
      const first = await terminal.shows(/Try: curl.*\n/);
      assertStringIncludes(first, "draft 1.0.0: running");
      const [, token = "", url = ""] = /Bearer (\S+)" (\S+)/.exec(first) ?? [];
      await terminal.shows(/agent_draft_asked_total 0 -> 1/);
      assertEquals(answer, "version 1.0.0");

      await Deno.writeTextFile(file, source("1.0.1"));
      const second = await terminal.shows(/draft 1\.0\.1: running[^]*Try: curl.*\n/);
      assertStringIncludes(second, "draft.ts changed");
      assertStringIncludes(second, `Bearer ${token}" ${url}`);

      await Deno.writeTextFile(file, "this is no program");
      await terminal.shows(/Waiting for a change/);

      await Deno.writeTextFile(file, source("1.0.2", `throw new Error("not yet");`));
      const failed = await terminal.shows(/Waiting for a change/);
      assertMatch(failed, /draft 1\.0\.2: failed: not yet\n {2}at \S+\/draft\.ts:8:11\n/);
    } finally {
      end.abort();
      await session;
      await Deno.remove(directory, { recursive: true });
    }
    assertEquals(processesWith(mark), []);
  },
});

/** A session of a file with this text, until `use` has seen what it shows. */
async function withDraft(
  text: string,
  use: (terminal: ReturnType<typeof screen>, file: string) => Promise<void>,
): Promise<void> {
  const directory = await project();
  const file = join(directory, "draft.ts");
  const end = new AbortController();
  const terminal = screen();
  await Deno.writeTextFile(file, text);
  const session = runDevSession({
    ...{ file, config: resolveConfig({ raw: {} }), env: environment(), signal: end.signal },
    ...{ out: terminal.out, logSink() {} },
  });
  try {
    await use(terminal, file);
  } finally {
    end.abort();
    await session;
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "runDevSession() shows what the compiler says of a file that runs all the same",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withDraft("const wrong: number = 'text';\n", async (terminal) => {
      const shown = await terminal.shows(/TS2322[^]*Waiting|Waiting[^]*TS2322/);
      assertStringIncludes(shown, "its last line has to be");
      assertEquals(shown.includes("Stack backtrace"), false);
    }),
});

Deno.test({
  name: "runDevSession() tells a fault once that the start and the compiler find, with its line",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withDraft("const right = 1;\nconst wrong = ;\n", async (terminal, file) => {
      // Its last line: both have said what they found.
      const shown = await terminal.shows(/Waiting for a change/);
      assertEquals(shown.split("Expression expected").length - 1, 1, shown);
      assertStringIncludes(shown, "2 | const wrong = ;");
      assertStringIncludes(shown, `at file://${file}:2:15`);
      assertEquals(shown.includes("Stack backtrace"), false);
    }),
});
