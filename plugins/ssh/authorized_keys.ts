/**
 * The keys that may log in.
 *
 * @module
 */
import type { Logger } from "../../core/plugin.ts";
import type { SshConfig } from "./config.ts";

/** Largest file of keys, in bytes; some 5,000 keys. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Types a line may start with. Anything else in front of the key are options. */
const KEY_TYPES: ReadonlySet<string> = new Set([
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
]);

/** Lines that name a key, and how many were left out because they do more or something else. */
export interface KeyLines {
  readonly keys: readonly string[];
  /** Lines with options, or of types that are not supported. Taking their keys would give more than they grant. */
  readonly ignored: number;
}

/** Reads the text of an `authorized_keys` file. */
export function parseAuthorizedKeys(text: string): KeyLines {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const keys = lines.filter((line) => KEY_TYPES.has(line.split(/\s/, 1)[0] ?? ""));
  return { keys, ignored: lines.length - keys.length };
}

/** The keys of the configuration and of its file as they are now. A file that cannot be read has no keys. */
export async function authorizedKeys(config: SshConfig, log: Logger): Promise<readonly string[]> {
  const inline = parseAuthorizedKeys(config.authorizedKeys.join("\n"));
  const file = parseAuthorizedKeys(await readKeys(config.authorizedKeysFile, log));
  const ignored = inline.ignored + file.ignored;
  if (ignored > 0) log.warn("authorized keys left out: they have options or an unsupported type", { ignored });
  return [...inline.keys, ...file.keys];
}

async function readKeys(path: string | null, log: Logger): Promise<string> {
  if (path === null) return "";
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES) throw new RangeError(`it has ${size} bytes, the limit is ${MAX_FILE_BYTES}`);
    return await Deno.readTextFile(path);
  } catch (error) {
    log.warn("authorized keys file not read", { path, error: error instanceof Error ? error : String(error) });
    return "";
  }
}
