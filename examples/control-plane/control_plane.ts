/**
 * The control plane as one object: store, agents, HTTP.
 *
 * @module
 */
import { systemClock } from "../../core/clock.ts";
import { HttpProblem, messageOf } from "../../core/errors.ts";
import { Auth, type Authority } from "../../core/http/auth.ts";
import { HostCheck } from "../../core/http/host_check.ts";
import { reachable } from "../../core/http/listeners.ts";
import { problemOf, problemResponse } from "../../core/http/problem.ts";
import { randomToken } from "../../core/http/token.ts";
import { createLogger, type LogSink } from "../../core/log.ts";
import type { Logger } from "../../core/plugin.ts";
import { RPC_PATH } from "../../core/rpc/dial.ts";
import { adminApi } from "./admin_api.ts";
import type { AdminEnv } from "./admin_env.ts";
import { AGENT_PREFIX, agentRequests } from "./agent_requests.ts";
import { AgentTokens } from "./agent_tokens.ts";
import type { AgentsFile } from "./agents_file.ts";
import { Changes } from "./changes.ts";
import type { Model } from "./chats/model.ts";
import { openChats } from "./chats/open_chats.ts";
import { ConnectionMonitor } from "./connection_monitor.ts";
import { ExternalAuth } from "./external_auth.ts";
import { RpcEndpoint } from "./rpc_endpoint.ts";
import { openSqliteStore } from "./sqlite_store.ts";
import { Tunnels } from "./tunnels.ts";
import { Workspaces } from "./workspaces.ts";

/** Time for answers that are under way to end, in milliseconds. */
const CLOSE_MS = 5_000;

/** What {@linkcode startControlPlane} takes. */
export interface ControlPlaneOptions {
  readonly agents: AgentsFile;
  /** Path of the database. Default: in memory, forgotten at the end. */
  readonly database?: string;
  /** Models of chats, the default one first. Default: none, and nothing can be said to chats. */
  readonly models?: readonly Model[];
  /** Default `127.0.0.1`. */
  readonly hostname?: string;
  /** 0, which is the default, takes any free port. */
  readonly port?: number;
  /** Names accepted in `Host` beside loopback. */
  readonly hosts?: readonly string[];
  /** The admin token. Default: a random one. */
  readonly token?: string;
  /** Gets all log lines. */
  readonly logSink: LogSink;
}

/** A control plane that listens. */
export interface ControlPlane extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly address: string;
  /** The admin token. */
  readonly token: string;
  /** A link that lets one browser in, once. */
  createLink(): Promise<string>;
  /** Ends every connection, answers what is under way, closes the database. */
  close(): Promise<void>;
}

/**
 * Starts a control plane.
 *
 * @throws {Deno.errors.AddrInUse} When the port is taken.
 * @throws {Error} When the database cannot be used.
 */
export function startControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { agents: { agents, statsIntervalSeconds }, logSink: sink, token = randomToken() } = options;
  const clock = systemClock;
  const log = createLogger({ category: ["control-plane"], sink, clock });
  const auth = new Auth(token, clock);
  const stopping = new AbortController();
  const changes = new Changes();
  using opening = new DisposableStack();
  const store = opening.use(openSqliteStore(options.database ?? ":memory:"));
  const monitor = new ConnectionMonitor({ store, changes, clock });
  monitor.settle(agents.map(({ id }) => id));
  const tunnels = new Tunnels(log);
  const tokens = new AgentTokens(agents);
  const workspaces = new Workspaces();
  const externalAuth = new ExternalAuth();
  const requests = agentRequests({ tokens, workspaces, externalAuth, changes, stopping: stopping.signal });
  const endpoint = new RpcEndpoint({
    ...{ tokens, workspaces, statsIntervalSeconds, store, changes, monitor, clock, log, tunnelOpened: tunnels.opened },
    // The name under which the reference writes these lines, so that what reads them finds ours too.
    auditLog: createLogger({ category: ["coderd", "agentrpc"], sink, clock }),
  });
  const chats = openChats({
    agents: () => agents.map((agent) => workspaces.present(agent)),
    ...{ clock, log, database: options.database ?? ":memory:", models: options.models ?? [] },
    ...{ isConnected: (id) => monitor.isConnected(id), client: (id) => tunnels.client(id) },
  });
  opening.use(chats.store);
  const admin = adminApi({
    ...{ chats, agents, store, monitor, changes, auth, tunnels, clock, workspaces, externalAuth },
    isReachable: tunnels.isOpen,
  });
  const hosts = new HostCheck(options.hosts);

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    try {
      if (pathname === RPC_PATH) return endpoint.handle(request);
      if (pathname.startsWith(`${AGENT_PREFIX}/`)) return await requests.fetch(request);
      const host = request.headers.get("host");
      hosts.checkHost(host);
      hosts.checkOrigin(request.headers.get("origin"), host);
      const env: AdminEnv = { authority: authorityOf(auth, request, pathname), stopping: stopping.signal };
      return await admin.fetch(request, env);
    } catch (error) {
      return refuse(error, log, pathname);
    }
  }

  const server = listen(options, answer);
  const stores = opening.move();
  const { hostname, port } = server.addr;
  const address = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    stopping.abort();
    await chats.chats.close();
    await endpoint.close();
    await tunnels.ended();
    const enough = new AbortController();
    const cut = clock.sleep(CLOSE_MS, enough.signal).catch(() => {});
    await Promise.race([server.shutdown(), cut]);
    enough.abort();
    stores.dispose();
  }
  return {
    address,
    token,
    createLink: async () => (await auth.sessions()).createLink(reachable(address)).url,
    close: () => closing ??= close(),
    [Symbol.asyncDispose]: () => closing ??= close(),
  };
}

function listen(
  { hostname = "127.0.0.1", port = 0 }: ControlPlaneOptions,
  answer: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname, port, onListen() {} }, answer);
}

function authorityOf(auth: Auth, request: Request, path: string): Authority | undefined {
  if (path === "/healthz" || path.startsWith("/auth/")) return undefined;
  try {
    return auth.check(request);
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.status !== 401) throw error;
    throw new HttpProblem(401, "The admin token is missing or wrong", {
      detail: 'send "Authorization: Bearer <token>", or open the link the control plane printed when it started',
      headers: error.headers,
    });
  }
}

function refuse(error: unknown, log: Logger, path: string): Response {
  const problem = problemOf(error);
  if (problem.status >= 500) log.error("request failed", { path, error: messageOf(error) });
  return problemResponse(problem, {});
}
