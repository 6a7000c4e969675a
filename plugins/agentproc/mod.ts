/**
 * The process plugin, and the types of its answers.
 *
 * @module
 */
export type { ChatIdentity } from "../../core/http/chat_identity.ts";
export type { HeadTailView, Truncation } from "./head_tail_buffer.ts";
export type { LimitsJson, OutputJson, ProcessJson, ProcessStateJson } from "./process_json.ts";
export type { AgentprocConfig } from "./config.ts";
export {
  type ListedProcess,
  type OutputWait,
  Processes,
  type ProcessOutput,
  type ProcessSignal,
  type ProcessStart,
} from "./service.ts";
export { default } from "./plugin.ts";
