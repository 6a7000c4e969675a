/**
 * Calls to the agent socket, for commands of plugins and for other programs of the workspace.
 *
 * @module
 */
export { type AgentSocketPlace, withAgentSocket } from "./agent_socket_client.ts";
export type { CallOptions, ServiceClient, ServiceDescriptor, ServiceMethods, Variables } from "../plugin.ts";
export { RpcError } from "../rpc/drpc/error.ts";
