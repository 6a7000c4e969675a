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
  /** Absolute path of the file to import; absent for built-in plugins. */
  readonly from?: string;
  /** SHA-256 of the file in `from`, in lower-case hexadecimal; another content is refused. */
  readonly sha256?: string;
  /** `required: true` arrives as `"abort"`. */
  readonly onFailure: FailurePolicy;
  /** As written, after substitution; checked by the plugin's own schema. `undefined` when absent. */
  readonly config: unknown;
  /** Where the entry was named: a file's path, `--set`, or what the caller called its layer. */
  readonly source: string;
}

/** Plugin ids: what `PluginDefinition.id` may be. */
export const PLUGIN_ID: RegExp = /^[a-z][a-z0-9-]{1,31}$/;

/** An entry as written, without the boolean short form. */
export interface WrittenEntry {
  readonly enabled?: boolean;
  readonly from?: string;
  readonly sha256?: string;
  readonly onFailure?: FailurePolicy;
  readonly required?: boolean;
  readonly config?: unknown;
}

/** Strict schema of the long form of an entry. */
export const writtenEntry: z.ZodType<WrittenEntry> = z.strictObject({
  enabled: z.boolean().optional().describe("Whether the plugin runs; true when absent."),
  from: z.string().min(1).optional().describe("File to import the plugin from, relative to this configuration file."),
  sha256: z.string().regex(/^[0-9a-fA-F]{64}$/, "Expected 64 hexadecimal digits").optional().describe(
    'SHA-256 of the file in "from"; another content is refused.',
  ),
  onFailure: z.enum(["continue", "retry", "abort"]).optional().describe(
    "When the plugin fails: go on without it (default), try again, or end the agent.",
  ),
  required: z.boolean().optional().describe('Short for "onFailure": "abort".'),
  config: z.unknown().optional().describe("Settings of the plugin itself."),
});
