/**
 * The variables a session adds to the agent's environment.
 *
 * @module
 */
import type { EnvironmentLayers, Variables } from "../../core/plugin.ts";
import type { LoginUser } from "./login_user.ts";
import type { Peer } from "./service.ts";

/** What {@linkcode sessionEnvironment} puts together. */
export interface SessionVariables {
  /** What the client sent. */
  readonly client: Variables;
  readonly user: LoginUser;
  readonly peer: Peer;
  /** Type of the client's terminal; absent without one. */
  readonly term?: string;
  /** Socket of the forwarded key agent. */
  readonly agentSocket?: string;
  /** Display of the client's X server. */
  readonly display?: string;
}

/**
 * Layers for the core's builder. What the client sent lies at the bottom, so that the workspace's own variables win; facts
 * about the connection lie at the top.
 */
export function sessionEnvironment(session: SessionVariables): EnvironmentLayers {
  const { client, user, peer, term, agentSocket, display } = session;
  const address = peer.address || "0.0.0.0";
  return {
    base: {
      ...client,
      ...(display !== undefined && { DISPLAY: display }),
      USER: user.name,
      LOGNAME: user.name,
      SHELL: user.shell,
    },
    overrides: {
      // The reference agent has no address of its own to tell either, and programs only look whether these are there.
      SSH_CLIENT: `${address} ${peer.port} 0`,
      SSH_CONNECTION: `${address} ${peer.port} 0.0.0.0 0`,
      ...(term !== undefined && { TERM: term }),
      ...(agentSocket !== undefined && { SSH_AUTH_SOCK: agentSocket }),
    },
  };
}
