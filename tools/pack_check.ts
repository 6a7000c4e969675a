/**
 * Uses the package as a project elsewhere would: `deno run -A tools/pack_check.ts`.
 *
 * Copies the files that would be published, and nothing else, into a temporary folder, and puts a project beside them whose
 * imports lead there by the names of `exports`. The project is type-checked; its agent, its client and its conformance tests run.
 *
 * @module
 */
import { dirname, fromFileUrl, join, relative } from "@std/path";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

const HELLO = `import { definePlugin, type Plugin } from "@outpost/agent";

const hello: Plugin = definePlugin({
  id: "hello",
  version: "1.0.0",
  api: 1,
  stability: "stable",
  summary: "Says hello.",
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.json({ message: "Hello from elsewhere" }));
  },
});
export default hello;
`;

const MAIN = `import { main } from "@outpost/agent/main";
import agentproc from "@outpost/agent/plugins/agentproc";
import hello from "./hello.ts";

await main({ build: { name: "elsewhere", version: "1.2.3" }, plugins: [agentproc, hello] });
`;

const TESTS = `import { connect } from "@outpost/agent/client";
import { conformance, createTestAgent } from "@outpost/agent/testing";
import agentproc from "@outpost/agent/plugins/agentproc";
import hello from "./hello.ts";

conformance(hello);

Deno.test("the test kit runs an own plugin beside a standard one", async () => {
  await using agent = await createTestAgent({ plugins: [agentproc, hello], time: "real" });
  const { message } = await (await agent.get("/api/v0/hello")).json();
  if (message !== "Hello from elsewhere") throw new Error(message);
});

Deno.test("the client talks to the agent this project starts", async () => {
  const dir = await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "main.ts", "start", "--listen", "127.0.0.1:0", "--unix", dir + "/agent.sock"],
      ...["--token-file", dir + "/token", "--dir", dir, "--log-format", "json"],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    let http: string | undefined;
    let rest = "";
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    while (http === undefined) {
      const { value, done } = await output.read();
      if (done) throw new Error("The agent ended before it listened");
      const lines = (rest + value).split("\\n");
      rest = lines.pop()!;
      http = lines.map((line) => JSON.parse(line)).find(({ event }) => event === "listening")?.http;
    }
    const drained = (async () => {
      while (!(await output.read()).done);
    })();
    const token = (await Deno.readTextFile(dir + "/token")).trim();
    const response = await fetch(http + "/api/v0/hello", { headers: { authorization: "Bearer " + token } });
    const { message } = await response.json();
    if (message !== "Hello from elsewhere") throw new Error(message);

    const processes = await connect({ baseUrl: http, token }).processes.list();
    if (!Array.isArray(processes)) throw new Error(JSON.stringify(processes));
    child.kill("SIGTERM");
    await drained;
  } finally {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
    await Deno.remove(dir, { recursive: true });
  }
});
`;

async function main(): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "outpost-pack-" });
  try {
    const files = await publishedFiles();
    for (const file of files) {
      await Deno.mkdir(dirname(join(dir, "package", file)), { recursive: true });
      await Deno.copyFile(join(ROOT, file), join(dir, "package", file));
    }
    const project = join(dir, "project");
    await Deno.mkdir(project);
    const config = await packageConfig();
    // Settings that only the root of a workspace may have, and that a project needs for the agent's dependencies.
    const { nodeModulesDir, allowScripts, unstable } = config;
    await Deno.writeTextFile(
      join(dir, "deno.json"),
      JSON.stringify({ workspace: ["./package", "./project"], nodeModulesDir, allowScripts, unstable }),
    );
    await Deno.writeTextFile(
      join(dir, "package/deno.json"),
      JSON.stringify({
        ...{ name: config.name, version: config.version, exports: config.exports, imports: config.imports },
        compilerOptions: config.compilerOptions,
      }),
    );
    await Deno.writeTextFile(join(project, "deno.json"), "{}");
    const written = { "hello.ts": HELLO, "main.ts": MAIN, "elsewhere_test.ts": TESTS };
    for (const [name, text] of Object.entries(written)) await Deno.writeTextFile(join(project, name), text);

    const exported = Object.keys(config.exports).map((name) => `import "${join(config.name, name)}";`);
    await Deno.writeTextFile(join(project, "every_export.ts"), exported.join("\n") + "\n");
    await run(["check", "hello.ts", "main.ts", "elsewhere_test.ts", "every_export.ts"], project);
    await run(["test", "-A", "elsewhere_test.ts"], project);
    console.log(`${files.length} files: a project elsewhere type-checks and runs with them`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

interface Config {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

async function packageConfig(): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))) as Config;
}

/** What `deno publish` would send, as paths inside the repository. */
async function publishedFiles(): Promise<readonly string[]> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stderr);
  if (code !== 0) throw new Error(`deno publish --dry-run failed:\n${text}`);
  const files = [...text.matchAll(/^\s+(file:\/\/\S+) \([\d.]+\w*B\)$/gm)].map(([, url]) => fromFileUrl(url!));
  if (files.length === 0) throw new Error(`deno publish --dry-run lists no files:\n${text}`);
  return files.map((file) => relative(ROOT, file));
}

async function run(args: readonly string[], cwd: string): Promise<void> {
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...args], cwd, stdin: "null" }).spawn().status;
  if (code !== 0) throw new Error(`deno ${args.join(" ")} ended with ${code}`);
}

if (import.meta.main) await main();
