/**
 * How much of a volume is used. Loaded when a control plane wants to know, because it brings `node:fs`.
 *
 * @module
 */
import { promises } from "node:fs";

import type { Usage } from "./memory_usage.ts";

/** Space of the file system that `path` lies on, in bytes. @throws {Error} When there is no such path. */
export async function readVolumeUsage(path: string): Promise<Usage> {
  // Not from `node:fs/promises`, which lacks it in the Deno that some binaries are made with.
  const { bsize, blocks, bfree } = await promises.statfs(path);
  return { used: (blocks - bfree) * bsize, total: blocks * bsize };
}
