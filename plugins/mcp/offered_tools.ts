/**
 * Which tools a caller is offered.
 *
 * @module
 */
import type { Caller } from "./caller.ts";
import { type Tool, toolsFor, type WorkspaceApi } from "./tools/mod.ts";

/** The tools that `api` has the parts for, less what the configuration or the caller itself leaves out. */
export function offeredTools(
  api: WorkspaceApi,
  { allowedTools: wanted }: Caller,
  allowed: readonly string[] | null,
): readonly Tool[] {
  return toolsFor(api).filter(({ name }) => (allowed?.includes(name) ?? true) && (wanted?.includes(name) ?? true));
}
