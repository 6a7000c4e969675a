/**
 * Query parameters of the git routes, as the handlers read them and the API document tells them.
 *
 * @module
 */
import type { QuerySpec } from "../../core/http/query.ts";

const PATH = { type: "text", required: true, summary: "Absolute path in a repository." } as const;
const COMMIT = { type: "text", default: "HEAD" } as const;
/** Query of `show`. */
export const SHOW_QUERY = {
  repo_root: { type: "text", required: true, summary: "Top of a working tree." },
  path: { type: "text", required: true, summary: "Relative to the top, or absolute inside of it." },
  ref: { ...COMMIT, summary: "Commit, branch or tag." },
} as const satisfies QuerySpec;
/** Query of `status`. */
export const STATUS_QUERY = { path: PATH } as const satisfies QuerySpec;
/** Query of `diff`. */
export const DIFF_QUERY = {
  path: PATH,
  base: { ...COMMIT, summary: "Commit, branch or tag that the working tree is compared with." },
} as const satisfies QuerySpec;
