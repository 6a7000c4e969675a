/**
 * The API token: made, compared, and kept in a file only its owner can read.
 *
 * @module
 */
import { hash, randomBytes } from "node:crypto";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { dirname } from "@std/path";

/** Bytes of randomness in tokens, codes and session values. */
const RANDOM_BYTES = 32;

/** A new secret: 43 characters that are safe in URLs, headers and cookies. */
export function randomToken(): string {
  return randomBytes(RANDOM_BYTES).toString("base64url");
}

/** What a secret is stored and looked up as. */
export function digestOf(secret: string): string {
  return hash("sha256", secret);
}

/** Compares a given token with the right one in constant time. */
export class TokenCheck {
  readonly #digest: Uint8Array;

  /** @throws {RangeError} When the token is empty: everybody would know it. */
  constructor(token: string) {
    if (token === "") throw new RangeError("Cannot use an empty API token");
    this.#digest = hash("sha256", token, "buffer");
  }

  accepts(token: string): boolean {
    return timingSafeEqual(hash("sha256", token, "buffer"), this.#digest);
  }
}

/** A token file that goes away with its owner. */
export interface TokenFile {
  readonly path: string;
  /** Removes the file, unless somebody wrote another token into it meanwhile. */
  remove(): Promise<void>;
}

/**
 * Writes `token` to `path`, readable by its owner alone, never half written. A missing directory is made with mode 0700.
 */
export async function writeTokenFile(path: string, token: string): Promise<TokenFile> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(temporary, `${token}\n`, { createNew: true, mode: 0o600 });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {}); // It may not exist; the first error is the one to read.
    throw error;
  }
  return {
    path,
    async remove() {
      try {
        if ((await Deno.readTextFile(path)).trim() === token) await Deno.remove(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}
