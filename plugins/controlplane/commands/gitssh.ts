/**
 * `outpost gitssh`: what `GIT_SSH_COMMAND` of the workspace names.
 *
 * @module
 */
import { join } from "@std/path";

import { EXIT } from "../../../core/cli/exit_codes.ts";
import { messageOf } from "../../../core/errors.ts";
import type { CommandContext } from "../../../core/plugin.ts";
import { openTemporaryDirectory } from "../../../core/temporary_directory.ts";
import type { GitSshKey } from "../api.ts";
import { askAgent } from "./agent_question.ts";
import { identityFiles } from "./identity_files.ts";

/** What ssh ends with when the connection or the login failed: ssh(1), EXIT STATUS. */
const SSH_FAILED = 255;

/**
 * Runs ssh with the user's own keys first and the workspace's key last, and ends as ssh does. Without that key the user's own have to do.
 */
export async function gitssh(ctx: CommandContext): Promise<number> {
  const args = ctx.args[0] === "--" ? ctx.args.slice(1) : ctx.args;
  if (args.length === 0) {
    await ctx.err(
      'This command is for git, which passes on what ssh needs: set GIT_SSH_COMMAND to "outpost gitssh --"\n',
    );
    return EXIT.usage;
  }
  // So git finds out which ssh it has to do with; no connection is made.
  if (args[0] === "-G") return (await ctx.run(["ssh", ...args])).exitCode;
  const key = await workspaceKey(ctx);
  if (key === undefined) return (await ctx.run(["ssh", ...args])).exitCode;
  await using file = await keyFile(key.private_key);
  const identities = [...await identityFiles(ctx, args), file.path].flatMap((path) => ["-i", path]);
  ctx.signal.throwIfAborted();
  const { exitCode } = await ctx.run(["ssh", ...identities, ...args]);
  if (exitCode === SSH_FAILED && !ctx.signal.aborted) {
    await ctx.err(
      `\nThe key of this workspace is the one below. If the server refused it, add it to your account there:\n\n` +
        `  ${key.public_key.trim()}\n\n`,
    );
  }
  return exitCode;
}

async function workspaceKey(ctx: CommandContext): Promise<GitSshKey | undefined> {
  try {
    return await askAgent<GitSshKey>(ctx, "/git-ssh-key");
  } catch (error) {
    ctx.signal.throwIfAborted();
    await ctx.err(`outpost gitssh: going on without the workspace's key: ${messageOf(error)}\n`);
    return undefined;
  }
}

/** A file only this user can read, in a directory only this user can enter, gone when disposed. */
async function keyFile(privateKey: string): Promise<AsyncDisposable & { readonly path: string }> {
  await using opening = new AsyncDisposableStack();
  const path = join(opening.use(await openTemporaryDirectory("outpost-gitssh-")).path, "key");
  // OpenSSH does not read a key whose last line has no end.
  await Deno.writeTextFile(path, `${privateKey.trimEnd()}\n`, { mode: 0o600, createNew: true });
  const opened = opening.move();
  return { path, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
