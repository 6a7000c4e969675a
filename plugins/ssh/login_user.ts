/**
 * The user that sessions belong to: the agent's own.
 *
 * @module
 */
import { findUser, userShell } from "../../core/exec/user_shell.ts";
import type { Variables } from "../../core/plugin.ts";

/** Who logs in, whatever name the client gives. */
export interface LoginUser {
  readonly name: string;
  readonly home: string;
  readonly shell: string;
}

/**
 * Looks the user up.
 *
 * @param variables The environment children get.
 * @throws {RangeError} When neither the user database nor `SHELL` names a shell.
 */
export async function loginUser(variables: Variables): Promise<LoginUser> {
  const uid = Deno.uid();
  const passwd = await Deno.readTextFile("/etc/passwd").catch(() => ""); // Some images have none; the variables decide.
  const entry = uid === null ? undefined : findUser(passwd, uid);
  return {
    name: entry?.name ?? variables.USER ?? String(uid),
    home: variables.HOME || entry?.home || "/",
    shell: await userShell({ processEnv: variables, passwd }),
  };
}
