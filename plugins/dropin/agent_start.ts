/**
 * `outpost agent`: what a template starts, read in the words of Coder's agent.
 *
 * @module
 */
import type { StartSpec } from "../../core/plugin.ts";
import { START_FLAGS } from "./start_flags.ts";

/** The command. What its flags and variables mean is loaded when it is used. */
export const agentStart: StartSpec = {
  name: "agent",
  summary: "Start the agent as a template starts Coder's: its flags, CODER_AGENT_* variables, listeners and log files.",
  flags: START_FLAGS.map(({ name, value, bare, isList, mayBeEmpty, summary, variable }) => ({
    ...{ name, value, bare, isList, mayBeEmpty },
    summary: variable === undefined ? summary : `${summary} ${variable}.`,
  })),
  details: [
    "CODER_AGENT_URL, and CODER_AGENT_TOKEN or CODER_AGENT_TOKEN_FILE, have to be there. Flags win over variables, both over\n" +
    "the configuration file.",
    'CODER_AGENT_SUBSYSTEM lists what the image was made with: "envbox", "envbuilder", "exectrace", with commas.',
  ],
  load: async () => (await import("./start_settings.ts")).startSettings,
};
