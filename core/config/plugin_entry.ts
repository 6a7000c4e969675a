/**
 * One plugin as the configuration names it.
 *
 * @module
 */
import { z } from "zod";

/** What happens to the agent when a plugin fails. */
export type FailurePolicy = "continue" | "retry" | "abort";

/** A resolved entry of the `plugins` section. */
export interface PluginEntry {
  readonly id: string;
  /** Absent: `true`, as naming a plugin is meant. A plugin without an entry runs by its own `enabledByDefault`. */
  readonly enabled?: boolean;
  /** Absolute path of the file to import or the program to attach; absent for built-in plugins. */
  readonly from?: string;
  /** Present when the plugin runs as a program of its own. */
  readonly attached?: AttachedEntry;
  /** SHA-256 of the file in `from`, in lower-case hexadecimal; another content is refused. */
  readonly sha256?: string;
  /** `required: true` arrives as `"abort"`. */
  readonly onFailure: FailurePolicy;
  /** As written, after substitution; checked by the plugin's own schema. `undefined` when absent. */
  readonly config: unknown;
  /** Where the entry was named: a file's path, `--set`, or what the caller called its layer. */
  readonly source: string;
}

/** How an attached plugin is started. */
export interface AttachedEntry {
  /** A program, or a Deno file that is run with the permissions its plugin declares and no others. */
  readonly runs: "program" | "deno";
  readonly args: readonly string[];
  /** Names of the agent's variables that are passed on; the program sees no others. */
  readonly env: readonly string[];
  /** What the plugin mounts, when that is not its id. */
  readonly mount?: string | readonly string[];
}

/** Plugin ids: what `PluginDefinition.id` may be. */
export const PLUGIN_ID: RegExp = /^[a-z][a-z0-9-]{1,31}$/;

/** An entry as written, without the boolean short form. */
export interface WrittenEntry {
  readonly enabled?: boolean;
  readonly from?: string;
  readonly sha256?: string;
  readonly attached?: boolean;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly mount?: string | readonly string[];
  readonly onFailure?: FailurePolicy;
  readonly required?: boolean;
  readonly config?: unknown;
}

/** Strict schema of the long form of an entry. */
export const writtenEntry: z.ZodType<WrittenEntry> = z.strictObject({
  enabled: z.boolean().optional().describe("Whether the plugin runs; true when absent."),
  from: z.string().min(1).optional().describe(
    'Where a plugin that is not built in comes from, relative to this configuration file: a file to import, or "exec:" ' +
      "and a program to attach.",
  ),
  sha256: z.string().regex(/^[0-9a-fA-F]{64}$/, "Expected 64 hexadecimal digits").optional().describe(
    'SHA-256 of the file in "from"; another content is refused.',
  ),
  attached: z.boolean().optional().describe(
    'Whether the file in "from" runs as a Deno program of its own, with the permissions its plugin declares.',
  ),
  args: z.array(z.string()).optional().describe("Arguments of an attached program."),
  env: z.array(z.string().min(1)).optional().describe(
    "Names of the agent's variables that an attached program sees; it sees no others.",
  ),
  mount: z.union([z.string(), z.array(z.string()).min(1)]).optional().describe(
    "What an attached plugin mounts under /api/v0; its id when absent.",
  ),
  onFailure: z.enum(["continue", "retry", "abort"]).optional().describe(
    "When the plugin fails: go on without it (default), try again, or end the agent.",
  ),
  required: z.boolean().optional().describe('Short for "onFailure": "abort".'),
  config: z.unknown().optional().describe("Settings of the plugin itself."),
});
