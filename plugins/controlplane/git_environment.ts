/**
 * Points git at this program, which fetches keys and passwords from the control plane.
 *
 * @module
 */
import { join } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Awaitable, PluginContext, Variables } from "../../core/plugin.ts";
import { openTemporaryDirectory } from "../../core/temporary_directory.ts";

/** What the variables are made from. */
type Surroundings = Pick<PluginContext<unknown, Record<never, never>>, "defer" | "host" | "log">;

/**
 * Variables of children by which git finds its way here: `GIT_SSH_COMMAND` for ssh, `GIT_ASKPASS` for passwords. Empty in a program that has
 * none of our commands.
 */
export interface GitEnvironment {
  readonly ssh: Variables;
  askpass(): Awaitable<Variables>;
}

/**
 * Prepares them. git takes `GIT_ASKPASS` as the path of one program, without arguments: when ours is more than a path, as under `deno run`,
 * a script is written for it, which the plugin's stop removes.
 */
export function gitEnvironment({ host, defer, log }: Surroundings): GitEnvironment {
  const { commandLine } = host;
  if (commandLine === undefined) return { ssh: {}, askpass: () => ({}) };
  const ssh = { GIT_SSH_COMMAND: `${commandLine.map(shellWord).join(" ")} gitssh --` };
  if (commandLine.length === 1) return { ssh, askpass: () => ({ GIT_ASKPASS: commandLine[0] }) };
  const script = new AskpassScript(commandLine, defer);
  return {
    ssh,
    async askpass(): Promise<Variables> {
      try {
        return { GIT_ASKPASS: await script.path() };
      } catch (error) {
        // No reason to be without a control plane: git asks its user for passwords.
        log.warn("git does not ask the control plane for passwords", { error: messageOf(error) });
        return {};
      }
    },
  };
}

/** A program that is one path, and is there whenever somebody asks where: temporary files are tidied up by others, too. */
class AskpassScript {
  readonly #commandLine: readonly string[];
  readonly #defer: Surroundings["defer"];
  #written: Promise<string> | undefined;

  constructor(commandLine: readonly string[], defer: Surroundings["defer"]) {
    this.#commandLine = commandLine;
    this.#defer = defer;
  }

  async path(): Promise<string> {
    const before = this.#written;
    const isThere = await before?.then(Deno.lstat).catch(() => undefined);
    // Whoever else found it missing may have written it in the meantime.
    if (isThere === undefined && this.#written === before) this.#written = this.#write();
    return await this.#written!;
  }

  async #write(): Promise<string> {
    const path = join(this.#defer(await openTemporaryDirectory("outpost-askpass-")).path, "askpass");
    const text = `#!/bin/sh\nexec ${this.#commandLine.map(shellWord).join(" ")} "$@"\n`;
    await Deno.writeTextFile(path, text, { mode: 0o700 });
    return path;
  }
}

/** `text` as one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
