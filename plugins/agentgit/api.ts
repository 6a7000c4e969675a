/**
 * What the git routes take, answer and say. Loaded for the API document only.
 *
 * @module
 */
import { z } from "zod";

import type { RouteDescription } from "../../core/plugin.ts";
import type { DiffReport, StatusReport } from "./repo_report.ts";
import { DIFF_QUERY, SHOW_QUERY, STATUS_QUERY } from "./queries.ts";
import type { ProgressMessage, RepoChange } from "./watch_message.ts";

const REPOSITORY = {
  repo_root: z.string().describe("Top of the working tree."),
  branch: z.string().describe("Short name; empty on a detached HEAD."),
};
const CHANGE: z.ZodType<RepoChange> = z.object({
  ...REPOSITORY,
  remote_origin: z.string().optional(),
  unified_diff: z.string().optional().describe(
    "Everything that differs from the last commit, untracked files included.",
  ),
  truncated: z.literal(true).optional().describe("Hunks of some files were left out."),
  removed: z.literal(true).optional().describe("The repository is gone."),
}).meta({ id: "RepositoryChange" });
const PROGRESS: z.ZodType<ProgressMessage> = z.object({
  type: z.literal("progress"),
  ...REPOSITORY,
  remote_origin: z.string().optional(),
  reset: z.literal(true).optional().describe("The first part of a scan: forget the parts of scans before."),
  unified_diff_chunk: z.string().optional(),
  processed_files: z.int(),
  total_files: z.int(),
  complete: z.literal(true).optional().describe("The last part of a scan."),
}).meta({ id: "WatchProgress" });
const CHANGES = z.object({
  type: z.literal("changes"),
  scanned_at: z.string().describe("RFC 3339 time."),
  repositories: z.array(CHANGE).optional().describe("Those that changed, each as a whole."),
}).meta({ id: "WatchChanges" });
const ERROR = z.object({ type: z.literal("error"), message: z.string() }).meta({ id: "WatchError" });

const STATUS: z.ZodType<StatusReport> = z.object({
  ...REPOSITORY,
  remote_origin: z.string(),
  commit: z.string().describe("Object name of the last commit; empty when there is none."),
  files: z.array(
    z.object({
      path: z.string().describe("Relative to the top."),
      status: z.string().describe("Index and working tree, as `git status --short` shows them."),
      size: z.int().optional().describe("Bytes of the file now."),
      binary: z.boolean(),
    }).meta({ id: "ChangedFile" }),
  ),
}).meta({ id: "RepositoryStatus" });
const DIFF: z.ZodType<DiffReport> = z.object({
  repo_root: REPOSITORY.repo_root,
  base: z.string(),
  unified_diff: z.string(),
  truncated: z.boolean(),
  total_bytes: z.int(),
}).meta({ id: "RepositoryDiff" });

const INVALID = { summary: "The path is in no repository, or a parameter is malformed." };
const WITHOUT_GIT = { summary: "Git is not installed." };
const FAILED = { summary: "Git failed; `detail` is what it said." };

/** Every route of the git plugin. */
export const agentgitApi: readonly RouteDescription[] = [
  {
    operation: "git.watch",
    method: "get",
    path: "/watch",
    summary: "Tells how the repositories that a chat works in change, while they change.",
    query: { chat_id: { type: "text", summary: "UUID of the chat; without it nothing is watched." } },
    answers: { 101: { summary: "A WebSocket." }, 426: { summary: "The request is no WebSocket handshake." } },
    messages: {
      fromClient: z.object({ type: z.literal("refresh") }).meta({ id: "WatchRefresh" }),
      fromAgent: z.union([CHANGES, PROGRESS, ERROR]).meta({ id: "WatchMessage" }),
    },
  },
  {
    operation: "git.show",
    method: "get",
    path: "/show",
    summary: "Shows a file as it was in a commit.",
    query: SHOW_QUERY,
    answers: {
      200: {
        summary: "The file's text.",
        schema: z.object({ contents: z.string() }).meta({ id: "ShownFile" }),
      },
      400: INVALID,
      404: { summary: "The commit has no such file." },
      422: { summary: "The file is binary or too large." },
      500: FAILED,
      503: WITHOUT_GIT,
    },
  },
  {
    operation: "git.status",
    method: "get",
    path: "/status",
    summary: "Lists the files that differ at or below a path.",
    query: STATUS_QUERY,
    answers: {
      200: { summary: "As things are now.", schema: STATUS },
      400: INVALID,
      500: FAILED,
      503: WITHOUT_GIT,
    },
  },
  {
    operation: "git.diff",
    method: "get",
    path: "/diff",
    summary: "Compares the working tree at or below a path with a commit.",
    query: DIFF_QUERY,
    answers: {
      200: { summary: "One unified diff.", schema: DIFF },
      400: INVALID,
      404: { summary: "There is no such commit." },
      500: FAILED,
      503: WITHOUT_GIT,
    },
  },
];
