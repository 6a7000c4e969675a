/**
 * What a login shows before the shell speaks: announcements and the message of the day.
 *
 * @module
 */
import { join } from "@std/path";

/** What {@linkcode loginOutput} shows. */
export interface LoginNotices {
  /** May throw; then the banners are left out. */
  readonly banners: () => readonly string[];
  /** Path of the message of the day; `undefined` or empty: none. */
  readonly motdFile: string | undefined;
  /** A `.hushlogin` in it keeps the message of the day quiet, and only that. */
  readonly home: string;
}

/** Which part could not be shown, and why. */
export interface LoginFault {
  readonly part: "announcement_banner" | "motd";
  readonly error: unknown;
}

/** Largest message of the day, in bytes: it is for reading. */
const MAX_MOTD_BYTES = 1024 * 1024;

/** The text for the client's terminal, every line ended with CR LF, and what failed on the way. */
export async function loginOutput(notices: LoginNotices): Promise<{ text: string; faults: LoginFault[] }> {
  const faults: LoginFault[] = [];
  let text = "";
  try {
    for (const banner of notices.banners()) if (banner.trim() !== "") text += `${banner.trim()}\n\n`;
  } catch (error) {
    faults.push({ part: "announcement_banner", error });
  }
  try {
    const { motdFile, home } = notices;
    if (motdFile && !await exists(join(home, ".hushlogin"))) text += withLineEnd(await readMotd(motdFile));
  } catch (error) {
    faults.push({ part: "motd", error });
  }
  return { text: text.replaceAll(/\r?\n/g, "\r\n"), faults };
}

async function readMotd(path: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_MOTD_BYTES) {
      throw new RangeError(`Cannot show "${path}": it has ${size} bytes, the limit is ${MAX_MOTD_BYTES}`);
    }
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false; // Missing, or a home that cannot be read: either way nobody asked for quiet.
  }
}

function withLineEnd(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
