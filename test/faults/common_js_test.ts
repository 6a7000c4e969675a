/**
 * CommonJS packages that find no file descriptor in the moment in which they are evaluated: the agent can use them later.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { isolatedEnv, ROOT, runAgent } from "../agent_process.ts";

/** Descriptors the child may have. */
const LIMIT = 100;
const COMMAND = [
  ...["sh", "-c", `ulimit -c 0; ulimit -n ${LIMIT}; exec "$@"`, "sh"],
  ...[Deno.execPath(), "run", "-A", "--no-prompt", "--config", join(ROOT, "deno.json")],
];
const TOO_MANY = "Too many open files";

/** By package: what of it is evaluated without descriptors, and what comes of using it afterwards. */
const PACKAGES: Readonly<Record<string, { readonly specifier?: string; readonly used: unknown }>> = {
  "prom-client": { specifier: "prom-client/lib/registry.js", used: "\n" },
  "@lydell/node-pty": { used: 9 },
  "@xterm/headless": { used: "hello" },
  "@xterm/addon-serialize": { used: "hello" },
  ssh2: { used: "function" },
  ws: { used: 1 },
};

for (const [name, { specifier = name, used }] of Object.entries(PACKAGES)) {
  Deno.test({
    ignore: Deno.build.os !== "linux",
    name:
      `${name} can be used after there were no file descriptors to evaluate it, though its import keeps the failure`,
    async fn() {
      const said = await child<Said>("common_js_packages.ts", [name, specifier], `import "${specifier}";`);

      assertStringIncludes(said.evaluated, TOO_MANY);
      assertStringIncludes(said.imported, TOO_MANY, "Deno tries again now: core/common_js.ts is not needed any more");
      assertEquals(said.used, used);
    },
  });
}

Deno.test({
  ignore: Deno.build.os !== "linux",
  name: "loadSessions() of mcp needs no file descriptors any more when the SDK is evaluated",
  async fn() {
    const sessions = new URL("../../plugins/mcp/sessions.ts", import.meta.url);

    assertEquals(await child("mcp_sessions.ts", [], `export * from "${sessions}";`), "McpSessions");
  },
});

interface Said {
  readonly evaluated: string;
  readonly imported: string;
  readonly used: unknown;
}

/** Runs a script with `args` and a module that uses up the descriptors before it evaluates what `imports` says; returns what it prints. */
async function child<Printed>(script: string, args: readonly string[], imports: string): Promise<Printed> {
  const home = await Deno.makeTempDir({ prefix: "outpost-common-js-" });
  try {
    const file = join(home, "without_descriptors.ts");
    await Deno.writeTextFile(file, `import "${new URL("./no_descriptors.ts", import.meta.url)}";\n${imports}\n`);
    const run = [join(ROOT, "test/faults", script), ...args, file];
    const { stdout, stderr } = await runAgent(run, { command: COMMAND, env: isolatedEnv(home), cwd: home });
    if (stdout.length !== 1) throw new Error(`The child said: ${[...stdout, ...stderr].join("\n")}`);
    return JSON.parse(stdout[0]!);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
