/**
 * Points git at this program, which fetches keys and passwords from the control plane.
 *
 * @module
 */
import { join } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { PluginContext } from "../../core/plugin.ts";
import { openTemporaryDirectory } from "../../core/temporary_directory.ts";

/** What the variables are made from. */
type Surroundings = Pick<PluginContext<unknown, Record<never, never>>, "defer" | "hooks" | "host" | "log">;

/**
 * Variables of children by which git finds its way here: `GIT_SSH_COMMAND` for ssh, `GIT_ASKPASS` for passwords. Empty in a program that has
 * none of our commands.
 */
export interface GitEnvironment {
  readonly ssh: Readonly<Record<string, string>>;
  readonly askpass: Readonly<Record<string, string>>;
}

/**
 * Prepares them. git takes `GIT_ASKPASS` as the path of one program, without arguments: when ours is more than a path, as under `deno run`,
 * the plugin's start writes a script for it, which its stop removes.
 */
export function gitEnvironment({ host, hooks, defer, log }: Surroundings): () => GitEnvironment {
  const { commandLine } = host;
  if (commandLine === undefined) return () => ({ ssh: {}, askpass: {} });
  const ssh = { GIT_SSH_COMMAND: `${commandLine.map(shellWord).join(" ")} gitssh --` };
  if (commandLine.length === 1) return () => ({ ssh, askpass: { GIT_ASKPASS: commandLine[0] } });
  let askpass: Record<string, string> = {};
  hooks.onStart(async () => {
    try {
      const path = join(defer(await openTemporaryDirectory("outpost-askpass-")).path, "askpass");
      await Deno.writeTextFile(path, `#!/bin/sh\nexec ${commandLine.map(shellWord).join(" ")} "$@"\n`, { mode: 0o700 });
      askpass = { GIT_ASKPASS: path };
    } catch (error) {
      // No reason to be without a control plane: git asks its user for passwords.
      log.warn("git does not ask the control plane for passwords", { error: messageOf(error) });
    }
  });
  return () => ({ ssh, askpass });
}

/** `text` as one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
