/**
 * Builds a binary, step by step: lock, generate, check, read the plugins, report, compile, compare.
 *
 * @module
 */
import { basename, dirname, join, relative } from "@std/path";

import { type AgentSource, projectSettings } from "../agent_source.ts";
import type { PluginOverview } from "../cli/plugin_overview.ts";
import { projectAround, type SurroundingProject } from "../config/surrounding_project.ts";
import { messageOf } from "../errors.ts";
import type { PluginPermissions, Variables } from "../plugin.ts";
import { withRoomHint } from "../write_failure.ts";
import { BuildError } from "./build_error.ts";
import { graphFacts } from "./build_facts.ts";
import { buildReport } from "./build_report.ts";
import { compileTargets, runsHere } from "./compile_targets.ts";
import { entryFile, entrySettings, permissionFlags } from "./entry_file.ts";
import type { BuildManifest } from "./manifest.ts";
import { BuildStepError, type Runner, runner } from "./runner.ts";
import { openStaging, putInPlace } from "./staging.ts";

/** What {@linkcode build} takes. */
export interface BuildOptions {
  readonly manifest: BuildManifest;
  readonly source: AgentSource;
  /** Path of Deno. */
  readonly deno: string;
  readonly env: Variables;
  /** Told about each step, as a line without its end. */
  readonly say: (line: string) => Promise<void>;
  /** Ends the build after the report. */
  readonly reportOnly?: boolean;
}

/** Where a build puts what it makes. */
interface Places {
  readonly entry: string;
  /** Settings of the program. */
  readonly config: string;
  /** To be committed: what exactly is inside. */
  readonly lock: string;
  /** To be committed, so that a change of what is inside shows in a review. */
  readonly report: string;
}

/**
 * Builds a binary for each target. Returns their paths.
 *
 * @throws {BuildError} Which step failed, with the plugin and its file.
 */
export async function build(options: BuildOptions): Promise<readonly string[]> {
  const { manifest, source, env, say } = options;
  const places = placesOf(manifest, source);
  const deno = runner(options.deno, { cwd: dirname(manifest.file), env });

  await say(`1/7 generate ${shown(manifest, places.entry)}`);
  await step("generate", manifest, () => generate(manifest, source, places));
  const flags = ["--config", places.config, "--lock", places.lock];

  await say(`2/7 resolve and lock in ${shown(manifest, places.lock)}`);
  await step("resolve", manifest, () => lock(deno, source, places));
  await say("3/7 check types");
  await step("check types", manifest, () => deno(["check", "--quiet", ...flags, places.entry]));
  await say("4/7 read the plugins");
  const plugins = await step("read the plugins", manifest, () => readPlugins(deno, [...flags, places.entry]));

  await say(`5/7 report in ${shown(manifest, places.report)}`);
  const permissions = permissionFlags(plugins.map((plugin) => (plugin.permissions ?? {}) as PluginPermissions));
  const report = await step("report", manifest, () => reportOf(options, { deno, places, plugins, permissions }));
  await step("report", manifest, () => putInPlace(places.report, report));
  await say(report.trimEnd());
  if (options.reportOnly) return [];

  return await compileTargets({
    flags: permissions,
    ...{ config: places.config, lock: places.lock, entry: places.entry },
  }, {
    ...{ deno: options.deno, env, cwd: dirname(manifest.file), targets: manifest.targets },
    output: join(manifest.output, manifest.name),
    shown: (path) => shown(manifest, path),
    ...{ say, step: "6/7 compile" },
    inspect: async ({ path, target }) => {
      await compare(path, options, { plugins, target });
      return [];
    },
  });
}

function placesOf(manifest: BuildManifest, source: AgentSource): Places {
  const settings = projectSettings(source, manifest.output);
  const base = join(dirname(manifest.file), manifest.name);
  return {
    entry: join(manifest.output, `${manifest.name}.entry.ts`),
    // Inside of the checkout its own settings hold.
    config: settings === undefined && source.kind === "path"
      ? join(source.path, "deno.json")
      : join(manifest.output, "deno.json"),
    lock: `${base}.build.lock`,
    report: `${base}.build.txt`,
  };
}

function shown(manifest: BuildManifest, path: string): string {
  return relative(dirname(manifest.file), path);
}

async function generate(manifest: BuildManifest, source: AgentSource, places: Places): Promise<void> {
  const own = projectSettings(source, manifest.output);
  if (own !== undefined) {
    const result = entrySettings(own, importingProjects(manifest));
    if ("problems" in result) throw new BuildError("generate", `imports disagree: ${result.problems.join("; ")}`);
    await putInPlace(places.config, `${JSON.stringify(result.settings, null, 2)}\n`);
  }
  await putInPlace(places.entry, entryFile(manifest, places.entry));
}

/** Resolves everything in a copy of the lock beside it: a program that cannot finish a file may leave parts of it. */
async function lock(deno: Runner, source: AgentSource, places: Places): Promise<void> {
  await using staging = await openStaging(places.lock);
  const draft = join(staging.path, basename(places.lock));
  // What the agent was tested with is a better start than whatever is newest today.
  const tested = source.kind === "path" ? join(source.path, "deno.lock") : undefined;
  const known = await textOf(places.lock) ?? (tested === undefined ? undefined : await textOf(tested));
  try {
    if (known !== undefined) await putInPlace(draft, known);
    await deno(["cache", "--quiet", "--config", places.config, "--lock", draft, places.entry]);
  } catch (error) {
    const said = error instanceof BuildStepError ? withRoomHint(error.output) : messageOf(error);
    throw new Error(said.replaceAll(draft, places.lock), { cause: error });
  }
  const locked = await textOf(draft);
  if (locked !== undefined) await putInPlace(places.lock, locked);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // None is fine, too.
    throw error;
  }
}

/** The `deno.json` around the manifest and around each plugin that is named by its path. */
function importingProjects(manifest: BuildManifest): readonly SurroundingProject[] {
  const directories = new Set(
    [manifest.file, ...manifest.plugins.map(({ from }) => from)]
      .values().filter((path) => path.startsWith("/")).map(dirname),
  );
  const found = new Map<string, SurroundingProject>();
  for (const directory of directories) {
    const project = projectAround(directory);
    if (project !== undefined) found.set(project.file, project);
  }
  return [...found.values()];
}

/** Asks the program itself: it reads the definitions as it would at a start, with every problem at once. */
async function readPlugins(deno: Runner, program: readonly string[]): Promise<readonly PluginOverview[]> {
  const overview = JSON.parse(await deno(["run", "-A", "--quiet", ...program, "plugins", "--json"]));
  return (overview as PluginOverview[]).filter((plugin) => plugin.built_in);
}

async function reportOf(
  { manifest, source, deno: program, env }: BuildOptions,
  { deno, places, plugins, permissions }: {
    readonly deno: Runner;
    readonly places: Places;
    readonly plugins: readonly PluginOverview[];
    readonly permissions: readonly string[];
  },
): Promise<string> {
  const root = source.kind === "path" ? source.path : undefined;
  const facts = await graphFacts({
    ...{ deno, entry: places.entry, flags: ["--config", places.config, "--lock", places.lock], everyPackage: false },
    roots: [...(root === undefined ? [] : [root]), dirname(manifest.file)],
    registry: env.JSR_URL || undefined,
  });
  const version = (await runner(program, { cwd: "/", env: {} })(["--version"])).split(/\s+/)[1] ?? "";
  return buildReport({
    ...{ name: manifest.name, version: manifest.version, deno: version },
    target: manifest.targets.length === 0 ? "the machine it is built on" : manifest.targets.join(", "),
    flags: permissions,
    plugins: plugins.map(({ id, version = "", stability = "", permissions = {} }) => ({
      ...{ id, version, stability },
      permissions: permissions as PluginPermissions,
    })),
    ...facts,
  });
}

/** The binary must say of itself what the report says. One for another machine cannot be asked. */
async function compare(
  output: string,
  { manifest, env, say }: BuildOptions,
  { plugins, target }: { readonly plugins: readonly PluginOverview[]; readonly target: string | undefined },
): Promise<void> {
  if (target !== undefined && !runsHere(target)) return await say("7/7 not compared: it is for another machine");
  await say("7/7 compare with what it says of itself");
  const ask = runner(output, { cwd: "/", env });
  const { told, name, version } = await step("compare", manifest, async () => ({
    told: JSON.parse(await ask(["plugins", "--json"])) as readonly PluginOverview[],
    ...JSON.parse(await ask(["version", "--json"])) as { readonly name: string; readonly version: string },
  }));
  const facts = (list: readonly PluginOverview[]) =>
    list.filter((plugin) => plugin.built_in).map(({ id, version }) => `${id} ${version}`).sort();
  const [expected, actual] = [facts(plugins), facts(told)];
  const differs = expected.join("\n") !== actual.join("\n") || name !== manifest.name || version !== manifest.version;
  if (differs) {
    throw new BuildError(
      "compare",
      `expected ${manifest.name} ${manifest.version} with ${expected.join(", ")}, ` +
        `but the binary says ${name} ${version} with ${actual.join(", ")}`,
    );
  }
}

/** Runs one step; what fails names the plugins' files, as a message of the program knows ids only. */
async function step<T>(name: string, manifest: BuildManifest, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BuildError) throw error;
    const output = error instanceof BuildStepError ? withRoomHint(error.output) : messageOf(error);
    throw new BuildError(name, withFiles(output, manifest), { cause: error });
  }
}

/** `plugins[2]` and a specifier become what stands in the manifest. */
function withFiles(output: string, { plugins }: BuildManifest): string {
  const named = output.replace(/\bplugins\[(\d+)\]/g, (text, index) => {
    const plugin = plugins[Number(index)];
    return plugin === undefined ? text : `plugin "${plugin.written}"`;
  });
  const concerned = plugins.filter(({ from, written }) =>
    !named.includes(written) && (named.includes(from) || named.includes(`plugins.${idOf(from)}`))
  );
  const files = concerned.map(({ written }) => `  from "${written}"`);
  return [named, ...files].join("\n");
}

/** Most plugins lie in a folder, or a file, of their name. */
function idOf(from: string): string {
  return /([^/]+?)(?:\/mod)?(?:\.[a-z]+)?$/.exec(from)?.[1] ?? from;
}
