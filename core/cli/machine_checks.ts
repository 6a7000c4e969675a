/**
 * What `outpost doctor` looks at on the machine itself.
 *
 * @module
 */
import type { LoadedConfig } from "../config/loaded_config.ts";
import { messageOf } from "../errors.ts";
import { findInPath } from "../exec/program.ts";
import { userShell } from "../exec/user_shell.ts";
import type { CheckResult, Variables } from "../plugin.ts";
import { controlPlaneAddress } from "../rpc/control_plane_address.ts";

/** What the checks see. */
export interface MachineFacts {
  readonly env: Variables;
  readonly config: LoadedConfig;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Space left where `path` is, in bytes, and files that may still be made. */
  readonly space: (path: string) => Promise<{ readonly bytes: number; readonly files: number }>;
  /** Content of a file; `undefined` when it is not there. */
  readonly read: (path: string) => Promise<string | undefined>;
  readonly fetch: typeof fetch;
}
/** One check. */
export type MachineCheck = (facts: MachineFacts) => CheckResult | Promise<CheckResult>;

/** Below this, the next write of somebody else may fail ours. */
const LITTLE_SPACE_BYTES = 100 * 1024 * 1024;
const LITTLE_FILES = 1000;
/** Each command takes a handful of descriptors, each viewer of a terminal two. */
const FEW_OPEN_FILES = 4096;
/** Certificates and tokens are refused by clocks that differ by minutes; this much is still harmless. */
const SKEW_MS = 30_000;
/** No clock that is right is before the release this was written for. */
const RELEASE_MS = Date.UTC(2026, 0, 1);
/** Longest wait for the control plane, in milliseconds. */
const ANSWER_MS = 5_000;

/** In the order they are shown. */
export const MACHINE_CHECKS: readonly (readonly [name: string, check: MachineCheck])[] = [
  ["shell", shell],
  ["disk", disk],
  ["open files", openFiles],
  ["clock", clock],
  ["control plane", controlPlane],
];

/** The facts of this machine. */
export function machineFacts(env: Variables, config: LoadedConfig): MachineFacts {
  return {
    env,
    config,
    now: Date.now,
    async space(path) {
      // Not from `node:fs/promises`, which lacks it in the Deno that some binaries are made with.
      const { promises: { statfs } } = await import("node:fs");
      const { bavail, bsize, ffree } = await statfs(path);
      return { bytes: bavail * bsize, files: ffree };
    },
    read: (path) => Deno.readTextFile(path).catch(() => undefined),
    fetch,
  };
}

async function shell({ env }: MachineFacts): Promise<CheckResult> {
  const sh = findInPath("sh", env.PATH ?? "");
  if (sh === undefined) {
    return {
      status: "problem",
      found: "there is no sh in PATH",
      mend: "commands need one: install dash or bash, or set PATH",
    };
  }
  try {
    return { status: "ok", found: `${sh} for commands, ${await userShell({ processEnv: env })} for terminals` };
  } catch (error) {
    const mend = `set SHELL, or name the user in /etc/passwd; terminals use ${sh} until then`;
    return { status: "warning", found: messageOf(error), mend };
  }
}

async function disk({ env, config, space }: MachineFacts): Promise<CheckResult> {
  const places = new Set([
    config.agent.directory ?? env.HOME ?? "/",
    config.agent.scriptDataDir ?? env.TMPDIR ?? "/tmp",
  ]);
  const found: string[] = [];
  for (const place of places) {
    const { bytes, files } = await space(place);
    // Some file systems make files as long as there is room, and say 0.
    if (bytes < LITTLE_SPACE_BYTES || (files > 0 && files < LITTLE_FILES)) {
      const left = `${megabytes(bytes)} and ${files} files are left in ${place}`;
      return { status: "problem", found: left, mend: "make room: edits of files and logs will fail" };
    }
    found.push(`${megabytes(bytes)} free in ${place}`);
  }
  return { status: "ok", found: found.join(", ") };
}

async function openFiles({ read }: MachineFacts): Promise<CheckResult> {
  const limit = /^Max open files +(\d+|unlimited)/m.exec(await read("/proc/self/limits") ?? "")?.[1];
  if (limit === undefined) return { status: "ok", found: "the limit cannot be read here" };
  if (limit === "unlimited" || Number(limit) >= FEW_OPEN_FILES) return { status: "ok", found: `at most ${limit}` };
  const mend = `start the agent with more: ulimit -n ${FEW_OPEN_FILES}`;
  return { status: "warning", found: `at most ${limit}, few for many commands at once`, mend };
}

function clock({ now }: MachineFacts): CheckResult {
  const text = new Date(now()).toISOString();
  if (now() >= RELEASE_MS) return { status: "ok", found: text };
  return {
    status: "problem",
    found: `${text} cannot be right`,
    mend: "set the clock: certificates are refused before they begin",
  };
}

async function controlPlane({ env, config, now, fetch }: MachineFacts): Promise<CheckResult> {
  const address = controlPlaneAddress(config.agent.controlPlane, env);
  if (address === undefined) return { status: "ok", found: "none configured, the agent runs on its own" };
  let response: Response;
  const asked = now();
  try {
    response = await fetch(new URL("/", address.url), {
      method: "HEAD",
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await response.body?.cancel();
  } catch (error) {
    const found = `${address.url} cannot be reached: ${messageOf(error)}`;
    return { status: "problem", found, mend: "check the address (CODER_AGENT_URL), the network and proxies" };
  }
  try {
    await address.token();
  } catch (error) {
    return { status: "problem", found: messageOf(error), mend: "set CODER_AGENT_TOKEN or CODER_AGENT_TOKEN_FILE" };
  }
  const there = Date.parse(response.headers.get("date") ?? "");
  // The header counts whole seconds.
  const skewMs = Number.isNaN(there) ? 0 : Math.abs(there - asked);
  if (skewMs > SKEW_MS) {
    const found = `its clock and this one differ by ${Math.round(skewMs / 1000)} s`;
    return { status: "warning", found, mend: "set the clock of the machine that is wrong" };
  }
  return { status: "ok", found: `${address.url} answers` };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
