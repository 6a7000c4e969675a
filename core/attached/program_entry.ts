/**
 * Entries of the configuration that name a program.
 *
 * @module
 */
import type { AttachedEntry, PluginEntry } from "../config/plugin_entry.ts";

/** An entry whose plugin runs as a program of its own. */
export interface ProgramEntry extends PluginEntry {
  readonly from: string;
  readonly attached: AttachedEntry;
}

/** Whether an entry is one. */
export function isProgramEntry(entry: PluginEntry): entry is ProgramEntry {
  return entry.attached !== undefined && entry.from !== undefined;
}
