/**
 * What git calls while it works in the workspace. Each is loaded when used.
 *
 * @module
 */
import type { CommandSpec } from "../../../core/plugin.ts";
import { isAskpassCall } from "./askpass_prompt.ts";

/** Commands that the variables `GIT_SSH_COMMAND` and `GIT_ASKPASS` of children lead to. */
export const gitCommands: readonly CommandSpec[] = [
  {
    name: "gitssh",
    summary: "Run ssh for git, with the workspace's key from the control plane.",
    usage: "-- SSH-ARGUMENTS",
    cleansUp: true,
    load: async () => (await import("./gitssh.ts")).gitssh,
  },
  {
    name: "gitaskpass",
    summary: "Answer git's question for a user name or password, with what the control plane knows.",
    usage: "PROMPT",
    claims: isAskpassCall,
    load: async () => (await import("./gitaskpass.ts")).gitaskpass,
  },
];
