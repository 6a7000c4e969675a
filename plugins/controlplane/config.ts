/**
 * Settings of the control-plane plugin. Address and token of the control plane belong to the agent section.
 *
 * @module
 */
import { z } from "zod";

/** Parts an agent can be made with; the control plane knows these. */
export const SUBSYSTEMS = ["envbox", "envbuilder", "exectrace"] as const;

/** Settings of the control-plane plugin. */
export interface ControlplaneConfig {
  /** What the agent's image was made with, told at start-up. */
  readonly subsystems: readonly (typeof SUBSYSTEMS)[number][];
  /** Time between two looks for banners, in milliseconds. */
  readonly bannerMs: number;
  /** Time for the work of other plugins at the end, such as stop scripts, in milliseconds. */
  readonly stopWorkMs: number;
  /** Time for the last state and what is said beside it, such as lines of scripts, to arrive, in milliseconds. */
  readonly lastWordsMs: number;
  /** Whether children find the agent's token in `CODER_AGENT_TOKEN`. */
  readonly exposeToken: boolean;
  /** Whether to wait for the claim of a prebuilt workspace, and then to begin anew. */
  readonly reinit: boolean;
  /** Connection reports kept while the control plane is away; later ones are dropped. */
  readonly maxConnectionReports: number;
}

/** Strict schema of {@linkcode ControlplaneConfig}. */
export const controlplaneConfig: z.ZodType<ControlplaneConfig> = z.strictObject({
  subsystems: z.array(z.enum(SUBSYSTEMS)).default([]).describe("What the agent's image was made with."),
  bannerMs: z.number().int().min(1000).default(120_000).describe(
    "Time between two looks for banners, in milliseconds.",
  ),
  stopWorkMs: z.number().int().min(0).default(300_000).describe(
    "Time for work at the end, such as stop scripts, in milliseconds.",
  ),
  lastWordsMs: z.number().int().min(0).default(5_000).describe(
    "Time for the last state, and the last lines of scripts beside it, to arrive, in milliseconds.",
  ),
  exposeToken: z.boolean().default(false).describe(
    "Whether children find the agent's token in CODER_AGENT_TOKEN, for programs that ask the control plane themselves.",
  ),
  reinit: z.boolean().default(false).describe(
    "Whether to wait for the claim of a prebuilt workspace, and then to begin anew.",
  ),
  maxConnectionReports: z.number().int().min(1).default(2048).describe(
    "Connection reports kept while the control plane is away.",
  ),
});
