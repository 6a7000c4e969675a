/**
 * What the SSH routes take and say. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "../../core/plugin.ts";

const BYTES = "Binary: bytes of the SSH protocol.";
const HOST_KEY = z.object({
  host_key: z.string().describe("Type and key, as a line of known_hosts has them after the name."),
}).meta({ id: "SshHostKey" });

/** The routes of the SSH plugin. */
export const sshApi: readonly RouteDescription[] = [
  {
    operation: "ssh.connect",
    method: "get",
    path: "/",
    summary: "Carries one SSH connection; `outpost ssh-proxy` uses it.",
    answers: {
      101: { summary: "A WebSocket whose messages are the connection's bytes." },
      426: { summary: "The request is no WebSocket handshake." },
    },
    messages: {
      fromClient: z.string().meta({ id: "SshInput" }).describe(BYTES),
      fromAgent: z.string().meta({ id: "SshOutput" }).describe(BYTES),
    },
  },
  {
    operation: "ssh.hostKey",
    method: "get",
    path: "/host-key",
    summary: "Tells the public host key that clients of `/api/v0/ssh` meet.",
    answers: { 200: { summary: "The key.", schema: HOST_KEY } },
  },
];
