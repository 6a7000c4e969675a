/**
 * This process as the parent of itself, started once more.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { Logger } from "../plugin.ts";
import { Leftovers } from "./leftovers.ts";
import { type Libc, openLibc } from "./libc.ts";
import { childCommand, type OwnCommandFacts, ownCommandFacts } from "./own_command.ts";
import { PARENT_VARIABLE } from "./parent_death.ts";
import { openParentLog } from "./parent_log.ts";
import { supervise } from "./supervise.ts";
import { type Supervision, supervisionAsked } from "./supervision.ts";

/**
 * Under `deno run` the loaded module graph of the whole agent costs tens of megabytes before its first line runs: there this
 * process becomes `parent.ts`, whose graph is a dozen files.
 *
 * @param args What the program was given.
 * @param name Of the binary, for the log.
 * @returns The exit code, or `undefined` when this system cannot do it: then this process should be the agent itself.
 */
export async function becomeParent(
  args: readonly string[],
  supervision: Supervision,
  name: string,
): Promise<number | undefined> {
  const log = openParentLog(args, name);
  let libc: Libc;
  let facts: OwnCommandFacts;
  try {
    facts = ownCommandFacts(args);
    libc = openLibc();
  } catch (error) {
    log.warn("no reaper here, the agent goes on without", { reason: messageOf(error) });
    return undefined;
  }
  if (!Deno.build.standalone) becomeLightParent(libc, facts, name);
  return await beParent(libc, { facts, supervision, log });
}

/**
 * What `parent.ts` does. Its words are the binary's name, how many words the agent's program is given, and the agent's whole
 * command line. Returns the exit code.
 */
export async function beLightParent([name = "", count = "", ...words]: readonly string[]): Promise<number> {
  const args = words.slice(words.length - Number(count));
  const facts = { commandLine: words, args, executable: Deno.execPath() };
  const supervision = supervisionAsked(args, { pid: Deno.pid, os: Deno.build.os });
  if (supervision === undefined) throw new TypeError("Cannot be a parent: nobody asked for one");
  return await beParent(openLibc(), { facts, supervision, log: openParentLog(args, name) });
}

/** Returns only where it cannot be done. */
function becomeLightParent(libc: Libc, { commandLine, args, executable }: OwnCommandFacts, name: string): void {
  const parent = new URL("./parent.ts", import.meta.url);
  if (parent.protocol !== "file:") return;
  // Nothing of the project's configuration concerns these few files.
  const deno = ["run", "-A", "--quiet", "--no-prompt", "--no-config", "--no-lock", parent.href];
  libc.become(executable, ["deno", ...deno, name, String(args.length), ...commandLine]);
}

interface Parent {
  readonly facts: OwnCommandFacts;
  readonly supervision: Supervision;
  readonly log: Logger;
}

async function beParent(libc: Libc, { facts, supervision, log }: Parent): Promise<number> {
  const leftovers = new Leftovers(!supervision.isInit);
  Deno.env.set(PARENT_VARIABLE, String(Deno.pid));
  return await supervise({ ...supervision, libc, log, leftovers, command: childCommand(facts) });
}
