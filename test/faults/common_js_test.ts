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
  join(ROOT, "test/faults/common_js_packages.ts"),
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
      const directory = await Deno.makeTempDir({ prefix: "outpost-common-js-" });
      try {
        const poisoned = join(directory, "poisoned.ts");
        const before = new URL("./no_descriptors.ts", import.meta.url);
        await Deno.writeTextFile(poisoned, `import "${before}";\nimport "${specifier}";\n`);

        const said = await child(directory, [name, specifier, poisoned]);

        assertStringIncludes(said.evaluated, TOO_MANY);
        assertStringIncludes(said.imported, TOO_MANY, "Deno tries again now: core/common_js.ts is not needed any more");
        assertEquals(said.used, used);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  });
}

interface Said {
  readonly evaluated: string;
  readonly imported: string;
  readonly used: unknown;
}

async function child(home: string, args: readonly string[]): Promise<Said> {
  const { stdout, stderr } = await runAgent(args, { command: COMMAND, env: isolatedEnv(home), cwd: home });
  if (stdout.length !== 1) throw new Error(`The child said: ${[...stdout, ...stderr].join("\n")}`);
  return JSON.parse(stdout[0]!);
}
