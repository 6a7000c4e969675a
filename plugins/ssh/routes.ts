/**
 * SSH for those who reach the agent's HTTP front: its Unix socket, its token, the control plane's tunnel. They have been let in
 * already, so nobody asks them for a key.
 *
 * @module
 */
import type { Routes } from "../../core/plugin.ts";
import type { Peer, SshTransport } from "./service.ts";
import { socketStream } from "./socket_stream.ts";

/** What the routes work with. */
export interface SshRoutesWork {
  readonly transport: SshTransport;
  /** The public half of the key that clients on these routes meet, as a line of `known_hosts` has it. */
  readonly hostKey: () => Promise<string>;
}

/** Bytes from the client that wait here: what the windows of 16 channels let it send at once. More cuts the connection. */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;
/** The front knows who the caller is to it, not where. */
const NOWHERE: Peer = { address: "", port: 0 };

/** Adds `GET /`, a WebSocket, and `GET /host-key`. */
export function addSshRoutes(routes: Routes, { transport, hostKey }: SshRoutesWork): void {
  routes.webSocket("/", () => (socket) => transport.serve(socketStream(socket), NOWHERE), {
    maxQueuedBytes: MAX_QUEUED_BYTES,
  });
  routes.app.get("/host-key", async (c) => c.json({ host_key: await hostKey() }));
}
