/**
 * `outpost doctor`.
 *
 * @module
 */
import { pathFacts, runtimeDirectory } from "../../config/default_paths.ts";
import type { LoadedConfig } from "../../config/loaded_config.ts";
import { resolveConfig } from "../../config/resolve_config.ts";
import { readDefinition } from "../../definition.ts";
import { AgentNotFoundError, messageOf } from "../../errors.ts";
import { CommandCgroups } from "../../exec/command_cgroup.ts";
import { loadPlan } from "../../load_plan.ts";
import type { CheckResult } from "../../plugin.ts";
import type { CoreCommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { importedPlugins } from "../imported_plugins.ts";
import { loadConfig } from "../load_config.ts";
import { MACHINE_CHECKS, machineFacts } from "../machine_checks.ts";
import { alignColumns } from "../text_table.ts";

/** A check, and what it found. */
interface Finding extends CheckResult {
  readonly check: string;
}
type Check = (ctx: CoreCommandContext) => CheckResult | Promise<CheckResult>;

/** Runs the core's checks and those of the plugins. Exit code 1 when one found a problem. */
export async function doctor(ctx: CoreCommandContext): Promise<number> {
  const findings: Finding[] = [];
  for (const [name, check] of CORE_CHECKS) findings.push(await examine(name, () => check(ctx)));
  for (const [name, check] of MACHINE_CHECKS) {
    findings.push(await examine(name, () => check(machineFacts(ctx.env, configOrDefaults(ctx)))));
  }
  // What cannot be imported is what "configuration" found.
  const imported = await importedPlugins(ctx).catch(() => []);
  for (const plugin of [...ctx.program.plugins, ...imported]) {
    for (const check of readDefinition(plugin).definition?.checks ?? []) {
      findings.push(await examine(`${plugin.id}: ${check.name}`, async () => (await check.load())(ctx)));
    }
  }
  await ctx.out(ctx.flags.has("json") ? `${JSON.stringify(findings, null, 2)}\n` : report(findings));
  return findings.some(({ status }) => status === "problem") ? EXIT.failed : EXIT.done;
}

/** A configuration that is wrong is a finding of its own; the machine can be looked at all the same. */
function configOrDefaults(ctx: CoreCommandContext): LoadedConfig {
  try {
    return loadConfig(ctx);
  } catch {
    return resolveConfig({});
  }
}

/** A check that throws is a finding, not the end of the examination. */
async function examine(check: string, work: () => CheckResult | Promise<CheckResult>): Promise<Finding> {
  try {
    return { check, ...await work() };
  } catch (error) {
    return { check, status: "problem", found: `the check itself failed: ${messageOf(error)}` };
  }
}

function report(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ check, status, found, mend }) => [
    [status, check, found.replaceAll("\n", " ")],
    ...(mend === undefined ? [] : [["", "", `-> ${mend}`]]),
  ]);
  return alignColumns(rows);
}

const CORE_CHECKS: readonly (readonly [string, Check])[] = [
  ["deno", denoVersion],
  ["configuration", configuration],
  ["runtime directory", privateDirectory],
  ["command limits", commandLimits],
  ["agent", runningAgent],
];

/** Versions that the agent is tested with. */
const TESTED_DENO = /^2\.9\./;

function denoVersion(): CheckResult {
  const { deno } = Deno.version;
  if (TESTED_DENO.test(deno)) return { status: "ok", found: deno };
  return { status: "warning", found: `${deno}, tested is 2.9`, mend: "use npx -y deno@2.9.6" };
}

async function configuration(ctx: CoreCommandContext): Promise<CheckResult> {
  try {
    const config = loadConfig(ctx);
    await loadPlan({ plugins: ctx.program.plugins, config });
    return { status: "ok", found: config.file ?? "built-in defaults" };
  } catch (error) {
    return { status: "problem", found: messageOf(error), mend: `run: ${ctx.program.invocation} config check` };
  }
}

async function privateDirectory({ env }: CoreCommandContext): Promise<CheckResult> {
  const facts = pathFacts(env);
  const path = runtimeDirectory(facts);
  try {
    const { isDirectory, mode, uid } = await Deno.lstat(path);
    if (!isDirectory) return { status: "problem", found: `${path} is not a directory`, mend: `run: rm ${path}` };
    if (facts.uid !== null && uid !== null && uid !== facts.uid) {
      return { status: "problem", found: `${path} belongs to user ${uid}`, mend: "set XDG_RUNTIME_DIR to your own" };
    }
    if (mode !== null && (mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8);
      return { status: "warning", found: `${path} has mode ${shown}`, mend: `run: chmod 700 ${path}` };
    }
    return { status: "ok", found: path };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { status: "ok", found: `${path} will be made at start` };
  }
}

/** Tries it, because whether a control group can be written is not told otherwise. */
function commandLimits(): CheckResult {
  const { memory, cpu } = new CommandCgroups().usable();
  const found = `memory by ${memory ?? "rlimit"}, processor time by ${cpu ?? "nothing"}, open files by rlimit`;
  if (memory !== undefined && cpu !== undefined) return { status: "ok", found };
  const mend =
    "limits of whole commands need a writable control group: in a container, mount /sys/fs/cgroup read-write";
  return { status: "ok", found: `${found} (${mend})` };
}

async function runningAgent(ctx: CoreCommandContext): Promise<CheckResult> {
  const start = `run: ${ctx.program.invocation} start`;
  try {
    const agent = await ctx.agent();
    const response = await agent.fetch("/readyz");
    const text = await response.text();
    if (response.ok) return { status: "ok", found: `ready on ${agent.socketPath}` };
    return { status: "problem", found: `not ready on ${agent.socketPath}: ${text}`, mend: "look into its log" };
  } catch (error) {
    if (error instanceof AgentNotFoundError) return { status: "warning", found: error.message, mend: start };
    throw error;
  }
}
