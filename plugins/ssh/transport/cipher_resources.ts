/**
 * Giving back what ciphers hold.
 *
 * On this runtime a cipher of `node:crypto` occupies a place in the resource table until its `final()` was called; nothing
 * collects it. The library never calls it for ChaCha20, of which it makes three for every packet, nor for CTR, of which it
 * makes two for every key exchange: 100,000 packets would cost 80 MB.
 *
 * @module
 */
import crypto, { type Cipheriv, type Decipheriv } from "node:crypto";

import type { LibraryConnection, LibraryProtocol } from "./ssh2_shape.ts";

type Make = typeof crypto.createCipheriv;

/**
 * Loads the library in a moment in which ChaCha20 ciphers finish themselves after their only use. The library keeps the
 * functions it finds then; everybody else gets the original ones again.
 */
export async function loadWithFinishingCiphers<Library>(load: () => Promise<Library>): Promise<Library> {
  const { createCipheriv, createDecipheriv } = crypto;
  crypto.createCipheriv = finishing(createCipheriv as Make) as typeof createCipheriv;
  crypto.createDecipheriv = finishing(createDecipheriv as unknown as Make) as unknown as typeof createDecipheriv;
  try {
    return await load();
  } finally {
    Object.assign(crypto, { createCipheriv, createDecipheriv });
  }
}

function finishing(make: Make): Make {
  return ((algorithm: string, ...rest: [never, never]) => {
    const cipher = make(algorithm, ...rest);
    if (algorithm !== "chacha20") return cipher;
    // The library makes one for each piece, and asks it once.
    const update = cipher.update.bind(cipher) as (data: Uint8Array) => Uint8Array;
    return Object.assign(cipher, {
      update: (data: Uint8Array) => {
        const result = update(data);
        cipher.final();
        return result;
      },
    });
  }) as Make;
}

/**
 * Finishes the ciphers of each key exchange when the next one takes their place.
 *
 * @returns What finishes the last ones, to be called when the byte stream has ended.
 */
export function releaseCiphers(connection: LibraryConnection): () => void {
  const protocol = connection._protocol;
  let current: readonly unknown[] = [];
  connection.on("handshake", () => {
    const next = ciphersOf(protocol);
    for (const cipher of current) if (!next.includes(cipher)) finish(cipher);
    current = next;
  });
  return () => {
    for (const cipher of new Set([...current, ...ciphersOf(protocol)])) finish(cipher);
  };
}

function ciphersOf(protocol: LibraryProtocol): unknown[] {
  return [protocol._cipher?._cipherInstance, protocol._decipher?._decipherInstance];
}

function finish(cipher: unknown): void {
  try {
    (cipher as Cipheriv | Decipheriv | undefined)?.final();
  } catch {
    // It was finished after its last packet, or was in the middle of one: either way it holds nothing now.
  }
}
