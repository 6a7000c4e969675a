/**
 * The user's login shell.
 *
 * @module
 */
import type { Variables } from "../plugin.ts";
import { isProgram } from "./program.ts";

/** A user as the system knows it. */
export interface UserEntry {
  readonly name: string;
  readonly home: string;
  readonly shell: string;
}

/** What {@linkcode userShell} looks at. */
export interface UserShellOptions {
  /** The agent's own variables: `SHELL` counts when the user database does not tell. */
  readonly processEnv: Variables;
  /** The user's number. Default: the agent's own. */
  readonly uid?: number;
  /** Content of the user database. Default: `/etc/passwd`, empty when there is none. */
  readonly passwd?: string;
  /** Whether a path leads to a program. Default: as the file system says. */
  readonly isThere?: (path: string) => boolean;
}

/** What every Unix system has. */
const LAST_RESORT = "/bin/sh";

/**
 * Absolute path of the user's shell: the first program that is there of what the user database names, `$SHELL`, and `/bin/sh`.
 * Containers run under numbers that no database knows, and without the shell that it names.
 *
 * @throws {RangeError} When the user's line is malformed.
 */
export async function userShell(options: UserShellOptions): Promise<string> {
  const uid = options.uid ?? Deno.uid();
  const passwd = options.passwd ?? await readPasswd();
  const named = [uid === null ? undefined : findUser(passwd, uid)?.shell, options.processEnv.SHELL];
  const isThere = options.isThere ?? isProgram;
  return named.find((shell) => shell && isThere(shell)) ?? LAST_RESORT;
}

/**
 * `USER`, `LOGNAME` and `SHELL`, as far as `variables` lack them: what a login would have set. A user whom the database does not know has
 * none of them.
 *
 * @throws {RangeError} When the user's line in the database is malformed.
 */
export async function loginVariables(
  variables: Variables,
  options: Pick<UserShellOptions, "uid" | "passwd"> = {},
): Promise<Record<string, string>> {
  const uid = options.uid ?? Deno.uid();
  const user = uid === null ? undefined : findUser(options.passwd ?? await readPasswd(), uid);
  if (user === undefined) return {};
  const all = { USER: user.name, LOGNAME: user.name, SHELL: user.shell };
  return Object.fromEntries(Object.entries(all).filter(([name, value]) => value !== "" && !variables[name]));
}

/**
 * The user with number `uid`, from the text of a user database. passwd(5): seven fields.
 *
 * @throws {RangeError} When the user's line has another number of fields.
 */
export function findUser(passwd: string, uid: number): UserEntry | undefined {
  for (const line of passwd.split("\n")) {
    const fields = line.split(":");
    if (line.startsWith("#") || fields[2] !== String(uid)) continue;
    const [name, _password, _uid, _gid, _gecos, home, shell] = fields;
    if (name === undefined || home === undefined || shell === undefined || fields.length !== 7) {
      throw new RangeError(`Cannot read user ${uid} in the user database: its line has ${fields.length} fields, not 7`);
    }
    return { name, home, shell: shell.trim() };
  }
  return undefined;
}

async function readPasswd(): Promise<string> {
  try {
    return await Deno.readTextFile("/etc/passwd");
  } catch {
    // Some images have no user database; SHELL decides.
    return "";
  }
}
