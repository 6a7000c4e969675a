/**
 * Who may come in: everybody, or those who hold one of the keys.
 *
 * @module
 */
import { readKey } from "./ssh2_library.ts";
import type { LibraryAuthentication, Ssh2 } from "./ssh2_shape.ts";

/** Who may come in. */
export type AuthPolicy =
  | { readonly anonymous: true }
  | {
    readonly anonymous: false;
    /** Public keys, one per line, each as in `authorized_keys` without options. Asked at every attempt. */
    readonly keys: () => Promise<readonly string[]>;
  };

/** How an attempt ended. `asked`: the client wanted to know whether a key would do, and it does. */
export type Verdict = "accepted" | "refused" | "asked";

/** Decides and answers one attempt. */
export async function authenticate(
  library: Ssh2,
  attempt: LibraryAuthentication,
  policy: AuthPolicy,
): Promise<Verdict> {
  const verdict = policy.anonymous ? "accepted" : await checkKey(library, attempt, await policy.keys());
  if (verdict === "refused") attempt.reject(["publickey"]);
  else attempt.accept();
  // With a key, accepting without a signature means: this key would do.
  return verdict === "accepted" && attempt.method === "publickey" && attempt.signature === undefined
    ? "asked"
    : verdict;
}

function checkKey(
  library: Ssh2,
  { method, key, blob, signature, hashAlgo }: LibraryAuthentication,
  keys: readonly string[],
): Verdict {
  if (method !== "publickey" || key === undefined) return "refused";
  // SHA-1 signatures of RSA keys can be forged; RFC 8332 has the others.
  if (key.algo === "ssh-rsa" && hashAlgo === undefined) return "refused";
  const known = keys.map((line) => readKey(library, line)).find((candidate) =>
    candidate !== undefined && candidate.type === key.algo && equalBytes(candidate.getPublicSSH(), key.data)
  );
  if (known === undefined) return "refused";
  if (signature === undefined || blob === undefined) return "asked";
  return known.verify(blob, signature, hashAlgo) === true ? "accepted" : "refused";
}

/** Public keys are no secret, so the time this takes may tell where they differ. */
function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
