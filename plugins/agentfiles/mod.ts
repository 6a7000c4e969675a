/**
 * Lists, reads, writes and edits files for people and for models.
 *
 * @module
 */
import type { Plugin } from "../../core/plugin.ts";
import { systemFiles } from "./file_system.ts";
import { agentfilesOn } from "./plugin.ts";

/** The file plugin on the machine's own files. */
const agentfiles: Plugin = agentfilesOn(systemFiles);
export type { ChatIdentity } from "../../core/http/chat_identity.ts";
export default agentfiles;
export { agentfilesOn } from "./plugin.ts";
export type { AgentfilesConfig } from "./config.ts";
export type { DirectoryEntry, FileFacts, FileSystem, OpenFile, OpenOptions } from "./file_system.ts";
export {
  type DirectoryListing,
  FileAccess,
  type FileBytes,
  type FileChange,
  type FileChangeEvent,
  FileChanges,
  type FileEditing,
  type LinesAnswer,
  type ListedEntry,
} from "./service.ts";

// Started by itself, it serves the agent that started it: a program of its own, under its own permissions.
if (import.meta.main) await (await import("../../core/attached/mod.ts")).serveAttached(agentfiles);
