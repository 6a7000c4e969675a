/**
 * How much of a volume is used. Loaded when a control plane wants to know, because it brings `node:fs`.
 *
 * @module
 */
import { statfs } from "node:fs/promises";

import type { Usage } from "./memory_usage.ts";

/** Space of the file system that `path` lies on, in bytes. @throws {Error} When there is no such path. */
export async function readVolumeUsage(path: string): Promise<Usage> {
  const { bsize, blocks, bfree } = await statfs(path);
  return { used: (blocks - bfree) * bsize, total: blocks * bsize };
}
