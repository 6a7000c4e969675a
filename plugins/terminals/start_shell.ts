/**
 * What runs in a terminal.
 *
 * @module
 */
import { findUser, userShell } from "../../core/exec/user_shell.ts";
import type { Child, Env, Exec, PtySize, Variables } from "../../core/plugin.ts";

/** What {@linkcode startShell} works with. */
export interface ShellWork {
  readonly exec: Exec;
  readonly env: Env;
  readonly os: "linux" | "darwin" | "windows";
}

const TERM = "xterm-256color";

/** Starts the user's login shell, or a command in it, on a terminal. @throws {SpawnError} When it cannot be started. */
export async function startShell(command: string, size: PtySize, { exec, env, os }: ShellWork): Promise<Child> {
  const variables = await env.build();
  const passwd = await Deno.readTextFile("/etc/passwd").catch(() => ""); // Some images have none; SHELL decides.
  const uid = Deno.uid();
  const name = (uid === null ? undefined : findUser(passwd, uid)?.name) ?? variables.USER ?? String(uid);
  const shell = await userShell({ processEnv: variables, passwd });
  return await exec.spawn({
    command: command === "" ? [shell, "-l"] : [shell, "-c", command],
    env: {
      base: { USER: name, LOGNAME: name, SHELL: shell },
      overrides: { TERM, ...utf8Locale(variables, os) },
    },
    pty: size,
  });
}

/** A character set for programs whose locale has another one: terminals here speak UTF-8. `LC_ALL` is left to its owner. */
export function utf8Locale(variables: Variables, os: ShellWork["os"]): Variables {
  const effective = variables.LC_ALL || variables.LC_CTYPE || variables.LANG || "";
  if (variables.LC_ALL || /utf-?8/i.test(effective)) return {};
  return { LC_CTYPE: os === "darwin" ? "UTF-8" : "C.UTF-8" };
}
