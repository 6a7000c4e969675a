/**
 * Wiring of the file plugin.
 *
 * @module
 */
import { definePlugin, optional, type Plugin } from "../../core/plugin.ts";
import { PathActivity } from "../agentgit/service.ts";
import { agentfilesConfig } from "./config.ts";
import { FileChangeFeed } from "./file_change_feed.ts";
import { fileMetrics } from "./file_metrics.ts";
import type { FileSystem } from "./file_system.ts";
import { lazyFileAccess } from "./lazy_file_access.ts";
import { PathLocks } from "./path_locks.ts";
import type { RouteWork } from "./route_work.ts";
import { registerRoutes, SEGMENTS } from "./routes.ts";
import { FileAccess, FileChanges } from "./service.ts";

/** The file plugin on a file system of the caller's choice. Tests bend one; everybody else wants the default export of `mod.ts`. */
export function agentfilesOn(files: FileSystem): Plugin {
  return definePlugin({
    id: "agentfiles",
    version: "1.0.0",
    api: 1,
    stability: "beta",
    summary: "Lists, reads, writes and edits files.",
    mount: SEGMENTS,
    config: agentfilesConfig,
    needs: { activity: optional(PathActivity) },
    provides: [FileChanges, FileAccess],
    permissions: { read: true, write: true },
    setup(ctx) {
      const feed = ctx.defer(new FileChangeFeed());
      ctx.provide(FileChanges, feed);
      const work: RouteWork = {
        files,
        locks: new PathLocks(),
        config: ctx.config,
        metrics: fileMetrics(ctx.metrics),
        feed,
        activity: ctx.services.activity,
        now: () => ctx.clock.now(),
        home: async () => (await ctx.env.build()).HOME || "/",
        onAttributeLost: (attribute, error) =>
          ctx.log.warn("file attribute not kept", { attribute, error: error instanceof Error ? error : String(error) }),
      };
      registerRoutes(ctx.routes, work);
      ctx.provide(FileAccess, lazyFileAccess(work));
      ctx.announce({
        capabilities: ["files.read", "files.lines", "files.write", "files.edit", "files.resolve", "files.versions"],
        limits: { maxEditFileBytes: ctx.config.maxEditFileBytes, maxEditBodyBytes: ctx.config.maxEditBodyBytes },
      });
    },
  });
}
