/**
 * Loads the `ssh2` library, and reads keys with it.
 *
 * @module
 */
import { loadCommonJs } from "../../../core/common_js.ts";
import { loadWithFinishingCiphers } from "./cipher_resources.ts";
import type { LibraryKey, Ssh2 } from "./ssh2_shape.ts";

/** Loads the library: about 40 ms and 10 MB, so only an agent that serves SSH does. */
export async function loadSsh2(): Promise<Ssh2> {
  const library = await loadWithFinishingCiphers(() => loadCommonJs("ssh2", () => import("ssh2")));
  return library as unknown as Ssh2;
}

/** The first key in `text`, a private key file or a line with a public key; `undefined` when there is none. */
export function readKey(library: Ssh2, text: string): LibraryKey | undefined {
  const parsed = library.utils.parseKey(text);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key instanceof Error ? undefined : key;
}

/** The public half of a private key that the library can read, as `known_hosts` and `authorized_keys` have it. */
export function publicKeyOf(library: Ssh2, privateKey: string): string {
  const key = readKey(library, privateKey);
  if (key === undefined) throw new TypeError("The host key is no private key");
  return `${key.type} ${new Uint8Array(key.getPublicSSH()).toBase64()}`;
}
