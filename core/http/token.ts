/**
 * The API token: made, compared, and kept in a file only its owner can read.
 *
 * @module
 */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { encodeBase64Url } from "@std/encoding/base64url";
import { dirname } from "@std/path";

import { writeFailure } from "../write_failure.ts";

/** Bytes of randomness in tokens, codes and session values. */
const RANDOM_BYTES = 32;

/** A new secret: 43 characters that are safe in URLs, headers and cookies. */
export function randomToken(): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
}

/** Compares a given token with the right one in constant time. */
export class TokenCheck {
  /** The right token and one byte more, so that a longer one cannot look equal by being cut. */
  readonly #right: Uint8Array;
  /** The given token at the same length: what is compared, and for how long, does not depend on it. */
  readonly #given: Uint8Array;
  readonly #length: number;

  /** @throws {RangeError} When the token is empty: everybody would know it. */
  constructor(token: string) {
    if (token === "") throw new RangeError("Cannot use an empty API token");
    this.#right = encoder.encode(`${token}\0`);
    this.#given = new Uint8Array(this.#right.byteLength);
    this.#length = this.#right.byteLength - 1;
  }

  accepts(token: string): boolean {
    this.#given.fill(0);
    const { written } = encoder.encodeInto(token, this.#given);
    return timingSafeEqual(this.#given, this.#right) && written === this.#length;
  }
}

const encoder = new TextEncoder();

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
  const temporary = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(temporary, `${token}\n`, { createNew: true, mode: 0o600 });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {}); // It may not exist; the first error is the one to read.
    throw writeFailure(path, error);
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
