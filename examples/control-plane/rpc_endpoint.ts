/**
 * Where agents connect: checks who they are and which version they speak, then serves them.
 *
 * @module
 */
import { acceptVersion, type ApiVersion, formatVersion, VERSION_REFUSED } from "../../core/rpc/api_version.ts";
import { HttpProblem, messageOf } from "../../core/errors.ts";
import { isSameHost } from "../../core/http/host_check.ts";
import type { Clock, Logger } from "../../core/plugin.ts";
import { Agent } from "../../core/proto/gen/agent_pb.ts";
import { Tailnet } from "../../core/proto/gen/tailnet_pb.ts";
import { serveSession } from "../../core/rpc/multiplexed.ts";
import { ServiceRouter } from "../../core/rpc/service_router.ts";
import { webSocketStream } from "../../core/rpc/web_socket_stream.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";
import { agentService } from "./agent_service.ts";
import type { AgentTokens } from "./agent_tokens.ts";
import type { AgentDefinition } from "./agents_file.ts";
import type { Changes } from "./changes.ts";
import type { ConnectionMonitor } from "./connection_monitor.ts";
import type { Store } from "./store.ts";
import { tailnetService } from "./tailnet_service.ts";
import type { Workspaces } from "./workspaces.ts";

/** Version served. */
const SERVED: ApiVersion = { major: 2, minor: 10 };
/** A WebSocket that does not answer a ping within this time is closed, in seconds. Deno pings after the half of it. */
const HEARTBEAT_SECONDS = 30;

/** What {@linkcode RpcEndpoint} works with. */
export interface RpcEndpointOptions {
  readonly tokens: AgentTokens;
  readonly workspaces: Workspaces;
  readonly statsIntervalSeconds: number;
  readonly store: Store;
  readonly changes: Changes;
  readonly monitor: ConnectionMonitor;
  readonly clock: Clock;
  readonly log: Logger;
  /** Gets a line per audited request. */
  readonly auditLog: Logger;
  /** Told of each agent that takes streams from here. */
  readonly tunnelOpened?: (agentId: string, session: YamuxSession) => void;
}

/** Serves `/api/v2/workspaceagents/me/rpc`. */
export class RpcEndpoint {
  readonly #options: RpcEndpointOptions;
  readonly #running = new Map<YamuxSession, Promise<void>>();
  #isClosed = false;

  constructor(options: RpcEndpointOptions) {
    this.#options = options;
  }

  /**
   * Answers one request: an upgrade, or why there is none.
   *
   * @throws {HttpProblem} 400, 401, 403 or 503.
   */
  handle(request: Request): Response {
    const { headers } = request;
    const url = new URL(request.url);
    const origin = headers.get("origin");
    if (origin !== null && !isSameHost(origin, headers.get("host"))) {
      throw new HttpProblem(403, "Origin is not allowed", { code: "forbidden_origin" });
    }
    const agent = this.#options.tokens.agentOf(request);
    const version = acceptVersion(url.searchParams.get("version"), SERVED);
    if (!("major" in version)) throw new HttpProblem(400, VERSION_REFUSED, { validations: [version] });
    if (this.#isClosed) throw new HttpProblem(503, "The control plane is stopping");
    if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw new HttpProblem(400, "Cannot accept the WebSocket", { detail: "the request asks for no upgrade" });
    }
    const role = url.searchParams.get("role") || "agent";
    return this.#upgrade(request, {
      agent,
      role,
      apiVersion: formatVersion(version),
      takesStreams: url.searchParams.get("tunnel") === "1",
    });
  }

  /** Refuses further agents, ends every connection, and waits until nothing of them is left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const session of this.#running.keys()) session.close();
    await Promise.all(this.#running.values());
  }

  #upgrade(request: Request, peer: Peer): Response {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: HEARTBEAT_SECONDS });
    const requestId = crypto.randomUUID();
    response.headers.set("x-coder-request-id", requestId);
    socket.onopen = () => {
      const session = new YamuxSession(webSocketStream(socket, this.#options), {
        role: "server",
        clock: this.#options.clock,
      });
      const running = this.#serve(session, peer, requestId).catch((error) => {
        this.#options.log.error("agent cannot be served", { agent: peer.agent.name, error: messageOf(error) });
        session.close();
      }).finally(() => this.#running.delete(session));
      this.#running.set(session, running);
      if (this.#isClosed) session.close();
    };
    // A handshake that breaks has no session yet, and nothing to end.
    socket.onerror = (event) => event.preventDefault();
    return response;
  }

  async #serve(
    session: YamuxSession,
    { agent, role, apiVersion, takesStreams }: Peer,
    requestId: string,
  ): Promise<void> {
    const { store, changes, clock, log, auditLog, monitor, statsIntervalSeconds, tunnelOpened, workspaces } =
      this.#options;
    const present = workspaces.present(agent);
    const fields = { agent: agent.name, role, request_id: requestId };
    log.info("agent connected", { ...fields, version: apiVersion, tunnel: takesStreams });
    const router = new ServiceRouter();
    router.add(
      Agent,
      agentService({
        agent: present,
        apiVersion,
        requestId,
        statsIntervalSeconds,
        store,
        changes,
        clock,
        log: auditLog,
      }),
    );
    router.add(Tailnet, tailnetService);
    const served = serveSession(session, router.handle, {
      clock,
      onError: (error) => log.debug("call broke", { ...fields, error: messageOf(error) }),
    });
    // Helpers, such as those that stream logs from outside the workspace, do not make their agent connected.
    const watched = role === "agent" ? monitor.watch(agent.id, session) : session.closed.then(() => "closed");
    if (takesStreams) tunnelOpened?.(agent.id, session);
    const [reason] = await Promise.all([watched, served]);
    log.info("agent disconnected", { ...fields, reason });
    await session.released;
  }
}

interface Peer {
  readonly agent: AgentDefinition;
  readonly role: string;
  readonly apiVersion: string;
  readonly takesStreams: boolean;
}
