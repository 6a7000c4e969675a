/**
 * What the control plane tells about the workspace, as far as sessions show it.
 *
 * @module
 */
import type { Tasks } from "../../core/plugin.ts";
import type { Banner, BannerFeed, Manifest, ManifestFeed } from "../controlplane/service.ts";

/** Where the facts come from; without a feed there are none. */
export interface WorkspaceFeeds {
  readonly manifest?: ManifestFeed;
  readonly banners?: BannerFeed;
}

/** The latest facts, for sessions that start now. */
export class WorkspaceFacts {
  #manifest: Manifest | undefined;
  #banners: readonly Banner[] = [];

  /** Follows the feeds until the plugin stops. */
  constructor({ manifest, banners }: WorkspaceFeeds, tasks: Tasks) {
    if (manifest !== undefined) {
      tasks.run("manifest", async (signal) => {
        for await (const latest of manifest.watch(signal)) this.#manifest = latest;
      });
    }
    if (banners !== undefined) {
      tasks.run("banners", async (signal) => {
        for await (const latest of banners.watch(signal)) this.#banners = latest;
      });
    }
  }

  /** Messages shown at a login, in order. */
  banners(): readonly string[] {
    return this.#banners.map(({ message }) => message);
  }

  /** File shown at a login; `undefined` when the control plane names none. */
  get motdFile(): string | undefined {
    return this.#manifest?.motdPath || undefined;
  }

  /** Where sessions start, when the control plane names a directory that is there. */
  async directory(): Promise<string | undefined> {
    const path = this.#manifest?.directory;
    if (!path) return undefined;
    const found = await Deno.stat(path).catch(() => undefined); // Missing: the next in order is taken.
    return found?.isDirectory ? path : undefined;
  }
}
