/**
 * The files of a new plugin: small, whole, and green. Pure.
 *
 * @module
 */
import { PACKAGE, type ProjectSettings } from "../agent_source.ts";

/** What {@linkcode pluginFiles} takes. */
export interface NewPlugin {
  /** Id of the plugin, already checked. */
  readonly id: string;
  /** Settings of a project of its own; absent where another project's hold. */
  readonly project?: ProjectSettings;
  /** How people start the agent from the plugin's folder: `outpost`, or a `deno run` line. */
  readonly invocation: string;
}

/** Contents by file name. */
export function pluginFiles(plugin: NewPlugin): Readonly<Record<string, string>> {
  const { id, project } = plugin;
  const name = camel(id);
  return {
    "README.md": readme(plugin),
    "config.ts": config(id, name),
    "example.jsonc": example(id),
    "mod.ts": entry(id),
    "plugin.ts": definition(id, name),
    "plugin_test.ts": tests(id, name),
    ...(project === undefined ? {} : { "deno.json": denoJson(project, plugin) }),
  };
}

/** Longest id that names are made of, in characters: with longer ones, lines would outgrow the formatter's width. */
const MAX_NAME = 24;

function camel(id: string): string {
  if (id.length > MAX_NAME) return "own";
  return id.replace(/-+(.)/g, (_, letter: string) => letter.toUpperCase()).replace(/-/g, "");
}

function pascal(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1);
}

function entry(id: string): string {
  return `/**
 * The plugin ${id}: imported by an agent, or a program of its own.
 *
 * @module
 */
import { serveAttached } from "${PACKAGE}/attached";
import plugin from "./plugin.ts";

export default plugin;

// Under "outpost dev", and when a configuration says "attached": true.
if (import.meta.main) await serveAttached(plugin);
`;
}

function config(id: string, name: string): string {
  return `/**
 * Settings of ${id}.
 *
 * @module
 */
import { z } from "zod";

/** Settings of ${id}. */
export interface ${pascal(name)}Config {
  /** What the answer begins with. */
  readonly greeting: string;
  /** Answers kept for the list; the oldest go first. */
  readonly maxKept: number;
}

/** Strict: an unknown key is an error with its path. */
export const ${name}Config: z.ZodType<${pascal(name)}Config> = z.strictObject({
  greeting: z.string().min(1).default("Hello").describe("What the answer begins with."),
  maxKept: z.number().int().min(1).default(100).describe("Answers kept for the list; the oldest go first."),
});
`;
}

function definition(id: string, name: string): string {
  return `/**
 * Wiring of ${id}.
 *
 * @module
 */
import { definePlugin, type Plugin } from "${PACKAGE}";
import { ${name}Config } from "./config.ts";

/** Greets whoever asks, and remembers whom. */
const plugin: Plugin = definePlugin({
  id: "${id}",
  version: "0.1.0",
  api: 1,
  stability: "experimental",
  summary: "Greets whoever asks, and remembers whom.",
  config: ${name}Config,
  // What the plugin touches outside of the process: its tests run inside of it. This one touches nothing.
  permissions: {},
  setup(ctx) {
    const kept: string[] = [];
    const greeted = ctx.metrics.counter("greeted_total", {
      help: "Greetings given; a steep rise means that somebody asks in a loop.",
    });
    ctx.routes.app.get("/", (c) => c.json({ greeted: kept }));
    ctx.routes.app.post("/:name", (c) => {
      const name = c.req.param("name");
      kept.push(name);
      // Settings are read when they are used, so that a reload can change them in place.
      while (kept.length > ctx.config.maxKept) kept.shift();
      greeted.inc();
      return c.json({ message: \`\${ctx.config.greeting}, \${name}\` });
    });
  },
  reconfigure() {
    // Nothing holds on to a setting: see the routes.
  },
});
export default plugin;
`;
}

function tests(id: string, name: string): string {
  return `import { deepStrictEqual, strictEqual } from "node:assert/strict";

import { conformance, createTestAgent } from "${PACKAGE}/testing";
import ${name} from "./mod.ts";

// With the file, on every road: in memory, imported, and as a program of its own.
conformance(${name}, { config: { greeting: "Good day" }, file: import.meta.resolve("./mod.ts") });

const BASE = "/api/v0/${id}";

Deno.test("${id} greets by name and counts", async () => {
  await using agent = await createTestAgent({
    plugins: [${name}],
    config: { "${id}": { greeting: "Good day" } },
  });

  const answer = await agent.post(\`\${BASE}/Ada\`);

  deepStrictEqual(await answer.json(), { message: "Good day, Ada" });
  strictEqual(await agent.metric("${metric(id)}"), 1);
});

Deno.test("${id} keeps the latest, also when a reload changes how many", async () => {
  await using agent = await createTestAgent({ plugins: [${name}] });
  for (const name of ["Ada", "Grace"]) await (await agent.post(\`\${BASE}/\${name}\`)).body?.cancel();

  const report = await agent.reload({ config: { "${id}": { maxKept: 2 } } });
  await (await agent.post(\`\${BASE}/Barbara\`)).body?.cancel();

  strictEqual(report.plugins[0]?.action, "reconfigured");
  deepStrictEqual(await (await agent.get(BASE)).json(), { greeted: ["Grace", "Barbara"] });
});
`;
}

function example(id: string): string {
  return `// The agent with this plugin: start it with --config and the path of this file.
{
  "plugins": {
    "${id}": { "from": "./mod.ts", "config": { "greeting": "Good day" } }
  }
}
`;
}

function denoJson({ links, imports, nodeModulesDir, unstable }: ProjectSettings, { invocation }: NewPlugin): string {
  const settings = {
    ...(links === undefined ? {} : { links }),
    imports,
    ...{ nodeModulesDir, unstable },
    allowScripts: { deny: ["npm:ssh2", "npm:cpu-features"] },
    tasks: {
      // Types are checked once, and not again by the tests: that takes most of the time.
      ok: "deno fmt --check && deno lint && deno check . && deno test -A --no-check",
      test: "deno test -A",
      dev: `${invocation} dev mod.ts --config example.jsonc`,
      start: `${invocation} start --config example.jsonc`,
    },
    // Where protoc-gen-es writes.
    fmt: { lineWidth: 120, exclude: ["gen/"] },
    lint: { exclude: ["gen/"] },
    test: { sanitizeOps: true, sanitizeResources: true },
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}

function readme({ id, invocation, project }: NewPlugin): string {
  const commands = project === undefined
    ? ["deno test -A .", `${invocation} start --config example.jsonc`]
    : ["deno task ok", "deno task start"];
  return [
    `# ${id}`,
    "Greets whoever asks, and remembers whom. Experimental: names and shapes may change with each version.",
    "The first command runs the tests, the second starts an agent with this plugin:",
    ["```sh", ...commands, "```"].join("\n"),
    "## Routes",
    table([
      ["Route", "Does"],
      [`\`GET /api/v0/${id}\``, "lists whom it greeted, the latest last"],
      [`\`POST /api/v0/${id}/:name\``, "greets and remembers"],
    ]),
    "## Configuration",
    "A reload changes all of it in place.",
    table([
      ["Field", "Default", "Meaning"],
      ["`greeting`", "`Hello`", "what the answer begins with"],
      ["`maxKept`", "100", "answers kept for the list; the oldest go first"],
    ]),
    "## Metrics",
    table([
      ["Name", "A rise means"],
      [`\`${metric(id)}\``, "somebody asks; a steep rise: in a loop"],
    ]),
    "## Limits",
    "What it remembers is gone when the agent ends.",
  ].join("\n\n") + "\n";
}

function metric(id: string): string {
  return `agent_${id.replaceAll("-", "_")}_greeted_total`;
}

/** As the formatter wants it: columns of one width. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  return [line(rows[0]!), line(widths.map((width) => "-".repeat(width))), ...rows.slice(1).map(line)].join("\n");
}
