/**
 * Private host keys: one made at random and kept, one derived from names.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { dirname, join } from "@std/path";

import type { Variables } from "../../core/plugin.ts";
import { writeFailure } from "../../core/write_failure.ts";

/** Names that a workspace keeps when it is built anew. */
export interface WorkspaceNames {
  readonly owner: string;
  readonly workspace: string;
  readonly agent: string;
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;
/** PKCS #8 wrapping of a raw Ed25519 key, RFC 8410. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
/** Bits of a mode that let others in. */
const OTHERS = 0o077;

/**
 * The key seed of a workspace: FNV-1a, 64 bits, over the names with NUL between them, read as a signed number. Names and not
 * ids, so that a workspace built anew keeps its key.
 */
export function hostKeySeed({ owner, workspace, agent }: WorkspaceNames): bigint {
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(`${owner}\0${workspace}\0${agent}`)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  }
  return BigInt.asIntN(64, hash);
}

/**
 * The Ed25519 key of a seed, in the format of OpenSSH. The same seed gives the same key for ever. Whoever knows the names can
 * make the key too: it is for transports that vouch for the server themselves.
 */
export function derivedHostKey(seed: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(seed);
  return encodeKey(createHash("sha256").update("outpost ssh host key 1\0").update(bytes).digest());
}

/** A new random Ed25519 key, in the format of OpenSSH. */
export function randomHostKey(): string {
  return encodeKey(randomBytes(32));
}

/** Where the host key is kept when nobody says otherwise: in the user's state directory. */
export function defaultHostKeyFile(variables: Variables): string {
  const state = variables.XDG_STATE_HOME?.startsWith("/")
    ? variables.XDG_STATE_HOME
    : join(variables.HOME || "/", ".local", "state");
  return join(state, "outpost", "ssh_host_ed25519_key");
}

/**
 * Reads the host key, or makes it: mode 0600, in a directory made 0700 if it is missing.
 *
 * @throws {Error} When others can read the file, or it cannot be read or written.
 */
export async function keepHostKey(path: string): Promise<string> {
  const kept = await readHostKey(path);
  if (kept !== undefined) return kept;
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(draft, randomHostKey(), { mode: 0o600, createNew: true });
    // Linking refuses to replace: when two agents start at once, both take the key of the first.
    await Deno.link(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw writeFailure(path, error);
  } finally {
    await Deno.remove(draft).catch(() => {}); // It was not made.
  }
  const made = await readHostKey(path);
  if (made === undefined) throw new Error(`Cannot keep the host key: "${path}" vanished`);
  return made;
}

async function readHostKey(path: string): Promise<string | undefined> {
  try {
    const { mode } = await Deno.stat(path);
    if (mode !== null && (mode & OTHERS) !== 0) {
      const found = (mode & 0o777).toString(8);
      throw new Error(`Cannot use host key "${path}": its mode is ${found}, others can reach it (chmod 600)`);
    }
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The file format is described in OpenSSH's PROTOCOL.key. */
function encodeKey(secret: Uint8Array): string {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, secret]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = Buffer.from(createPublicKey(privateKey).export({ format: "jwk" }).x ?? "", "base64url");
  const publicPart = Buffer.concat([field("ssh-ed25519"), field(publicKey)]);
  // Two equal numbers tell a reader that it decrypted well; without encryption any number does.
  const check = Buffer.alloc(8);
  const body = Buffer.concat([check, publicPart, field(Buffer.concat([secret, publicKey])), field("")]);
  const padding = Buffer.from(Array.from({ length: (8 - body.length % 8) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    uint32(1),
    field(publicPart),
    field(Buffer.concat([body, padding])),
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}

function field(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}
