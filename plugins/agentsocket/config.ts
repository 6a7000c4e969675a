/**
 * Settings of the agent socket plugin.
 *
 * @module
 */
import { z } from "zod";

/** Settings of the agent socket plugin. Where the socket is, is a setting of the agent: `agent.listen.agentSocket`. */
export interface AgentsocketConfig {
  /** Most unit names, registered or only depended on. */
  readonly maxUnits: number;
  /** Most dependencies between units. */
  readonly maxDependencies: number;
  /** Longest name of a unit, in characters. */
  readonly maxNameLength: number;
}

/** Strict: an unknown key is an error with its path. */
export const agentsocketConfig: z.ZodType<AgentsocketConfig> = z.strictObject({
  // Far more than start scripts need; a loop of a careless one must not fill the memory.
  maxUnits: z.number().int().min(1).default(10_000).describe("Most unit names, registered or only depended on."),
  maxDependencies: z.number().int().min(1).default(100_000).describe("Most dependencies between units."),
  maxNameLength: z.number().int().min(1).default(1024).describe("Longest name of a unit, in characters."),
});
