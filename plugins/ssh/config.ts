/**
 * Settings of the SSH plugin.
 *
 * @module
 */
import { z } from "zod";

import { parseListenAddress } from "./listen_address.ts";

/** Settings of the SSH plugin. */
export interface SshConfig {
  /** TCP address, `"127.0.0.1:0"` with a free port; `null`: none. */
  readonly listen: string | null;
  /** Path of a private Unix socket; who may open it may log in. `null`: none. */
  readonly unix: string | null;
  /** Public keys that may log in over TCP, each as a line of `authorized_keys` without options. */
  readonly authorizedKeys: readonly string[];
  /** File with such lines, read at every login; `null`: none. */
  readonly authorizedKeysFile: string | null;
  /** Lets everybody in who reaches the TCP listener, which must then be on loopback. */
  readonly allowAnonymous: boolean;
  /** File with the private host key, made when it is missing; `null`: in the user's state directory. */
  readonly hostKeyFile: string | null;
  /** A client that gives no sign of life for this long is gone, in milliseconds. 0: never. */
  readonly maxTimeoutMs: number;
  /** Time a client has until it is authenticated, in milliseconds. */
  readonly loginMs: number;
  /** Most connections at once, authenticated or not. */
  readonly maxConnections: number;
  /** Most connections at once that are not authenticated yet. */
  readonly maxLogins: number;
  /** Most channels of one connection: sessions, forwarded connections, agent connections. */
  readonly maxChannels: number;
  /** File shown at a login; `null`: none. */
  readonly motdFile: string | null;
  /** Refuses what moves files: SFTP, scp, rsync, nc. A speed bump, no wall. */
  readonly blockFileTransfer: boolean;
  /** Refuses connections from the client's side to here (`ssh -L`, `-D`). */
  readonly blockLocalForwarding: boolean;
  /** Refuses connections from here to the client's side (`ssh -R`). */
  readonly blockReverseForwarding: boolean;
}

const HOUR_MS = 60 * 60 * 1000;
/** What the event loop can wait at most; Node documents 2^31-1 ms. */
const MAX_MS = 2 ** 31 - 1;

const fields = z.strictObject({
  listen: z.string().nullable().default("127.0.0.1:0").describe(
    'TCP address, such as "127.0.0.1:2222" or "[::1]:0"; port 0 takes a free one; null: none.',
  ),
  unix: z.string().startsWith("/").nullable().default(null).describe(
    "Path of a private Unix socket; who may open it may log in. null: none.",
  ),
  authorizedKeys: z.array(z.string().min(1)).default([]).describe(
    "Public keys that may log in over TCP, each as a line of authorized_keys without options.",
  ),
  authorizedKeysFile: z.string().startsWith("/").nullable().default(null).describe(
    "File with lines as in authorizedKeys, read at every login; null: none.",
  ),
  allowAnonymous: z.boolean().default(false).describe(
    "Lets everybody in who reaches the TCP listener, which must then be on loopback.",
  ),
  hostKeyFile: z.string().startsWith("/").nullable().default(null).describe(
    "File with the private host key, made when it is missing; null: in the user's state directory.",
  ),
  maxTimeoutMs: z.number().int().min(0).max(3 * MAX_MS).default(72 * HOUR_MS).describe(
    "A client that gives no sign of life for this long is gone, in milliseconds; a sign is asked for every third of it. 0: never.",
  ),
  loginMs: z.number().int().min(1000).max(MAX_MS).default(120_000).describe(
    "Time a client has until it is authenticated, in milliseconds.",
  ),
  maxConnections: z.number().int().min(1).default(512).describe("Most connections at once, authenticated or not."),
  maxLogins: z.number().int().min(1).default(100).describe("Most connections at once that are not authenticated yet."),
  maxChannels: z.number().int().min(1).default(1024).describe(
    "Most channels of one connection: sessions, forwarded connections, agent connections.",
  ),
  motdFile: z.string().startsWith("/").nullable().default(null).describe("File shown at a login; null: none."),
  blockFileTransfer: z.boolean().default(false).describe(
    "Refuses what moves files: SFTP, scp, rsync, nc. A speed bump, no wall.",
  ),
  blockLocalForwarding: z.boolean().default(false).describe(
    "Refuses connections from the client's side to here (ssh -L, -D).",
  ),
  blockReverseForwarding: z.boolean().default(false).describe(
    "Refuses connections from here to the client's side (ssh -R).",
  ),
});

/** Strict: an unknown key is an error with its path. */
export const sshConfig: z.ZodType<SshConfig> = fields.superRefine((config, problems) => {
  function problem(field: keyof SshConfig, message: string): void {
    problems.addIssue({ code: "custom", path: [field], message });
  }
  if (config.listen === null) return;
  const address = parseListenAddress(config.listen);
  if (address === undefined) return problem("listen", "is no address and port, such as 127.0.0.1:2222 or [::1]:0");
  const hasKeys = config.authorizedKeys.length > 0 || config.authorizedKeysFile !== null;
  if (config.allowAnonymous && !address.isLoopback) {
    problem("allowAnonymous", `needs a loopback address in "listen"; it is ${config.listen}`);
  }
  if (!config.allowAnonymous && !hasKeys) {
    problem(
      "authorizedKeys",
      "nobody could log in: name keys or a file of keys, or set allowAnonymous, or set listen to null",
    );
  }
});
