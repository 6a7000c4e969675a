/**
 * The command line of an attached plugin, and what its program may see.
 *
 * @module
 */
import type { Variables } from "../plugin.ts";
import type { EnvironmentAccess } from "./host_side.ts";

/** How to start the program. */
export interface ProgramCommand {
  /** Absolute path. */
  readonly program: string;
  /** The arguments, once it is known where the agent listens. */
  argumentsFor(socketPath: string): readonly string[];
  /** Its whole environment, but for what tells it where to report. */
  readonly variables: Variables;
  readonly access: EnvironmentAccess;
  /** First segments of its routes. */
  readonly prefix: readonly string[];
}
