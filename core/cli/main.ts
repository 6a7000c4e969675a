/**
 * The entry point of every agent binary: the stock one and those with other plugins. Imports nothing heavy: this process may
 * become the small parent that starts itself once more as the agent.
 *
 * @module
 */
import type { BuildInfo } from "../load_plan.ts";
import type { Awaitable, Plugin } from "../plugin.ts";
import { endWithParent } from "../supervise/parent_death.ts";
import { supervisionAsked } from "../supervise/supervision.ts";

/** What {@linkcode main} takes. */
export interface MainOptions {
  /** Name and version of the binary. Default: `outpost` and this version. */
  readonly build?: BuildInfo;
  /**
   * Plugins of the binary, in the order they are set up where needs leave a choice. Or what loads them with `import()`: then
   * the agent's parent process, where it has one, does without them.
   */
  readonly plugins: readonly Plugin[] | (() => Awaitable<readonly Plugin[]>);
  /** Default: the process's arguments. */
  readonly args?: readonly string[];
}

/**
 * Runs the command line, then exits the process: 0 done, 1 failed, 2 wrong usage or configuration, 128 and its number for a
 * signal. Never returns; the only place of the agent that exits.
 *
 * As process 1, and with `--reaper` or `--restart`, `start` runs in a child, and this process takes away every process of the
 * workspace that ends without a parent.
 *
 * @example An agent of your own
 * await main({ build: { name: "acme-agent", version: "4.2.0" }, plugins: [agentproc, audit] });
 */
export async function main(options: MainOptions): Promise<never> {
  const args = options.args ?? Deno.args;
  const supervision = supervisionAsked(args, { pid: Deno.pid, os: Deno.build.os });
  if (supervision !== undefined) {
    const { becomeParent } = await import("../supervise/become_parent.ts");
    const code = await becomeParent(args, supervision, options.build?.name ?? "outpost");
    if (code !== undefined) Deno.exit(code);
  }
  endWithParent();
  const { plugins } = options;
  const [{ runProcess }, loaded] = await Promise.all([
    import("./run_process.ts"),
    typeof plugins === "function" ? plugins() : plugins,
  ]);
  Deno.exit(await runProcess(args, loaded, options.build));
}
