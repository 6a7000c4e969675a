/**
 * The attached road: an entry that names a program becomes an ordinary plugin definition.
 *
 * @module
 */
import { z } from "zod";

import type { LoadedConfig } from "../config/loaded_config.ts";
import { type AnyDefinition, SEMANTIC_VERSION } from "../definition.ts";
import type { HostFacts, Needs, PluginContext } from "../plugin.ts";
import { isProgramEntry, type ProgramEntry } from "./program_entry.ts";
import type { Said } from "./protocol.ts";

/** Shown until the program has said its own. */
const UNKNOWN_VERSION = "0.0.0";

/** A definition for each entry that attaches a program. Nothing is started. */
export function attachedPlugins(config: Pick<LoadedConfig, "entries">): readonly AnyDefinition[] {
  return [...config.entries.values()].filter(isProgramEntry).map(attachedPlugin);
}

function attachedPlugin(entry: ProgramEntry): AnyDefinition {
  let hello: Said<"hello"> | undefined;
  return {
    id: entry.id,
    get version() {
      return SEMANTIC_VERSION.test(hello?.version ?? "") ? hello!.version : UNKNOWN_VERSION;
    },
    api: 1,
    get summary() {
      return hello?.summary ?? `Runs ${entry.from} as a program of its own.`;
    },
    stability: "stable",
    mount: entry.attached.mount,
    // Its own schema is known once it runs, and checked then.
    config: z.record(z.string(), z.unknown()),
    supported: supportedOn,
    async setup(ctx: PluginContext<Readonly<Record<string, unknown>>, Needs>) {
      // Loaded here: an agent without attached plugins has no use for it.
      const { attach } = await import("./attach.ts");
      await attach(ctx, entry, (said) => hello = said);
    },
  };
}

/** Unix sockets are what both sides meet on. */
function supportedOn({ os }: HostFacts): true | { readonly reason: string } {
  return os === "windows"
    ? { reason: "attached plugins need Unix sockets, which Deno does not have on Windows" }
    : true;
}
