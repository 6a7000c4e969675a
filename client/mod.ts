/**
 * A typed client of an Outpost agent for Deno, Node from version 20 on, and browsers.
 *
 * It imports nothing of any platform. The Unix socket, which only some platforms can reach, is in `client/deno` and
 * `client/node`.
 *
 * @module
 */
export { OutpostApiError, OutpostConnectionError } from "./api_error.ts";
export { type ClientOptions, connect, OutpostClient } from "./client.ts";
export type { CallInput, CallOptions, ChatOfClient, Connection, Operation } from "./connection.ts";
export type { FileContent, Files, LineOptions, ReadOptions, WriteOptions } from "./files.ts";
export type { GitRepositories, GitWatch, WatchOptions } from "./git.ts";
export type { Processes, ProcessEvent, StreamOptions } from "./processes.ts";
export { type HttpOptions, httpTransport, type Transport } from "./transport.ts";
export type * from "./gen/api.ts";
