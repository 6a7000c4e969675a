/**
 * Who runs metadata scripts, and with which variables.
 *
 * @module
 */
import { findUser, userShell } from "../../core/exec/user_shell.ts";
import type { Variables } from "../../core/plugin.ts";
import type { ScriptUser } from "./metadata_command.ts";

/**
 * The agent's own user, as a login shell would have it.
 *
 * @param variables The environment children get.
 * @throws {RangeError} When neither the user database nor `SHELL` names a shell.
 */
export async function scriptUser(variables: Variables): Promise<ScriptUser> {
  const uid = Deno.uid();
  const passwd = await Deno.readTextFile("/etc/passwd").catch(() => ""); // Some images have none; the variables decide.
  const name = (uid === null ? undefined : findUser(passwd, uid)?.name) ?? variables.USER ?? "";
  const shell = await userShell({ processEnv: variables, passwd });
  return {
    shell,
    env: {
      base: { ...(name !== "" && { USER: name, LOGNAME: name }), SHELL: shell },
      // Nobody is connected; programs of Coder's world only look whether these are there.
      overrides: { SSH_CLIENT: "0.0.0.0 0 0", SSH_CONNECTION: "0.0.0.0 0 0.0.0.0 0" },
    },
  };
}
