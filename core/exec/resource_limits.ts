/**
 * What one command may use, and what the shell does about it before it becomes the command.
 *
 * @module
 */
import type { LimitEnforcement, ResourceLimits } from "../plugin.ts";

/** The tighter of each: what a plugin asks for cannot loosen what the configuration says. `undefined` when nothing is limited. */
export function tightest(...all: readonly (ResourceLimits | undefined)[]): ResourceLimits | undefined {
  const least = (name: keyof ResourceLimits) => {
    const given = all.flatMap((limits) => limits?.[name] ?? []);
    return given.length === 0 ? undefined : Math.min(...given);
  };
  const [memoryBytes, cpus, openFiles] = [least("memoryBytes"), least("cpus"), least("openFiles")];
  if (memoryBytes === undefined && cpus === undefined && openFiles === undefined) return undefined;
  return { memoryBytes, cpus, openFiles };
}

/** `ulimit -v` counts in these. */
const KIBIBYTE = 1024;

/**
 * Lines for `sh` that limit the shell itself. What cannot be applied is said on standard error, and the command starts all the
 * same.
 *
 * @param joins Files of control groups that take the shell in when its number is written to them.
 */
export function limitScript(limits: ResourceLimits, enforcement: LimitEnforcement, joins: readonly string[]): string {
  const lines = joins.map((file) => attempt(`echo $$ >${quoted(file)}`, "join its control group, which limits it"));
  if (enforcement.memory === "rlimit" && limits.memoryBytes !== undefined) {
    lines.push(attempt(`ulimit -v ${Math.ceil(limits.memoryBytes / KIBIBYTE)}`, "limit its memory"));
  }
  if (limits.openFiles !== undefined) lines.push(attempt(`ulimit -n ${limits.openFiles}`, "limit its open files"));
  return lines.join("\n");
}

function attempt(command: string, what: string): string {
  return `{ ${command}; } 2>/dev/null || echo "outpost: cannot ${what}" >&2`;
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
