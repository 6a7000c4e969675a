/**
 * The arrows between folders, checked on the module graph as Deno resolves it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { basename, fromFileUrl, toFileUrl } from "@std/path";

import { layerProblem } from "../tools/lint/layers.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** Packages that cost start time and memory; loaded with `import()` when something needs them. */
const HEAVY = [
  "@bufbuild/protobuf",
  "ssh2",
  "ws",
  "node-pty",
  "@hono/node-server",
  "@hono/node-ws",
  "@modelcontextprotocol/sdk",
  "playwright-core",
  "prom-client",
  "@logtape/logtape",
];
/** Parts of Node that are cheap; any other loads much of Deno's Node layer, 10 to 20 ms and 6 MB. */
const CHEAP_NODE = ["node:async_hooks", "node:timers"];
/** Names that say nothing about what is inside. */
const NAMELESS = /^(?:utils?|helpers?|commons?|types|misc)(?:_test)?\.ts$/;

interface Edge {
  readonly from: string;
  readonly to: string;
  /** Whether the import runs with the file: neither `import()` nor `import type`. */
  readonly isStatic: boolean;
}

interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

/** Our source files, as paths from the root. */
async function sourceFiles(dir = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(ROOT + dir)) {
    if (entry.name.startsWith(".") || ["node_modules", "dist", "coverage", "testdata"].includes(entry.name)) continue;
    if (entry.isDirectory) files.push(...await sourceFiles(`${dir}${entry.name}/`));
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts")) files.push(dir + entry.name);
  }
  return files;
}

/** Every import between or out of our files. */
async function edges(files: readonly string[]): Promise<Edge[]> {
  const dir = await Deno.makeTempDir();
  try {
    const entry = `${dir}/all.ts`;
    await Deno.writeTextFile(entry, files.map((file) => `import ${JSON.stringify(fileUrl(file))};`).join("\n"));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", `${ROOT}deno.json`, entry],
      stdin: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const graph = JSON.parse(new TextDecoder().decode(stdout)) as ModuleGraph;
    const root = fileUrl("");
    return graph.modules.filter((module) => module.specifier.startsWith(root)).flatMap((module) =>
      (module.dependencies ?? []).map((dependency) => {
        const to = dependency.code?.specifier ?? dependency.type?.specifier ?? dependency.specifier;
        return {
          from: module.specifier.slice(root.length),
          to: to.startsWith(root) ? to.slice(root.length) : to,
          isStatic: dependency.code !== undefined && !dependency.isDynamic,
        };
      })
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function isHeavy(specifier: string): boolean {
  if (specifier.startsWith("node:")) return !CHEAP_NODE.includes(specifier);
  return HEAVY.some((name) => new RegExp(`^npm:/?(?:@[^/]+/)?${name}(?:@|/|$)`).test(specifier));
}

function fileUrl(path: string): string {
  return toFileUrl(ROOT + path).href;
}

/** Every import that is followed when `entries` are loaded: dynamic ones wait until they are reached. */
function loadedBy(entries: readonly string[]): readonly Edge[] {
  const seen = new Set(entries);
  const loaded: Edge[] = [];
  for (const file of seen) {
    for (const edge of graph.filter((edge) => edge.from === file && edge.isStatic)) {
      loaded.push(edge);
      seen.add(edge.to);
    }
  }
  return loaded;
}

/** Files that lead back to themselves: each circle once, as one way around it. */
function circles(): readonly string[] {
  const next = Map.groupBy(graph, ({ from }) => from);
  const left = new Set<string>();
  const found: string[] = [];
  function follow(file: string, way: readonly string[]): void {
    if (way.includes(file)) return void found.push([...way.slice(way.indexOf(file)), file].join(" -> "));
    if (left.has(file)) return;
    for (const { to } of next.get(file) ?? []) follow(to, [...way, file]);
    left.add(file);
  }
  for (const file of files) follow(file, []);
  return found;
}

const files = await sourceFiles();
const graph = await edges(files);

Deno.test("the module graph is seen whole", () => {
  assert(graph.some((edge) => edge.from === "core/clock.ts" && edge.to === "core/plugin.ts"));
  assert(graph.some((edge) => /^npm:\/?hono/.test(edge.to)));
});

Deno.test("imports point inward: no file imports against the layers", () => {
  const against = graph.flatMap((edge) => {
    const reason = layerProblem(edge.from, edge.to);
    return reason ? [`${edge.from} -> ${edge.to}: ${reason}`] : [];
  });

  assertEquals(against, []);
});

Deno.test("the stock agent loads no heavy package before something needs it", () => {
  const heavy = loadedBy(["core/cli/run_process.ts", "plugins/standard.ts", "core/cli/commands/start.ts"]).filter((
    edge,
  ) => isHeavy(edge.to));

  assert(isHeavy("npm:/@lydell/node-pty@1.2.0") && isHeavy("npm:ssh2@1.17.0") && isHeavy("npm:@logtape/logtape@2.4.2"));
  assertEquals(heavy.map((edge) => `${edge.from} -> ${edge.to}`), []);
});

Deno.test("no module of the agent imports a CommonJS package statically: one that fails once would fail for ever", () => {
  const packages = /^npm:\/?(?:prom-client|ssh2|ws|@lydell\/node-pty|@xterm\/[a-z-]+)@/;
  const found = graph.filter(({ from, to }) => /^(?:core|plugins)\/.*(?<!_test)\.ts$/.test(from) && packages.test(to));

  assert(found.length > 0);
  assertEquals(found.filter(({ isStatic }) => isStatic).map(({ from, to }) => `${from} -> ${to}`), []);
});

Deno.test("the stock agent loads neither the tools of MCP nor the displays of X11 before somebody asks for them", () => {
  const loaded = loadedBy(["plugins/standard.ts"]).map(({ to }) => to);

  assert(loaded.includes("plugins/mcp/plugin.ts") && loaded.includes("plugins/x11/plugin.ts"));
  assertEquals(loaded.filter((file) => /^plugins\/(?:mcp\/tools\/(?!tool_names)|x11\/display_)/.test(file)), []);
});

Deno.test("the agent's parent loads a handful of files and no package", () => {
  const loaded = loadedBy(["core/supervise/parent.ts"]);

  assertEquals(loaded.filter(({ to }) => !to.startsWith("core/") && !CHEAP_NODE.includes(to)), []);
  assert(loaded.some(({ to }) => to === "core/supervise/libc.ts"));
  assertEquals(loaded.filter(({ to }) => /^core\/(?!supervise|exec|rpc\/backoff)[^/]*\//.test(to)), []);
});

Deno.test("what runs before it is known whether this process becomes that parent loads next to nothing", () => {
  const loaded = loadedBy(["main.ts"]).map(({ to }) => to);

  assertEquals(
    new Set(loaded),
    new Set(["core/cli/main.ts", "core/supervise/parent_death.ts", "core/supervise/supervision.ts"]),
  );
});

Deno.test("no file imports itself on the way through others, not even for a type", () => {
  assertEquals(circles(), []);
});

Deno.test("every file is named after what is inside", () => {
  assertEquals(files.filter((file) => NAMELESS.test(basename(file))), []);
});
