/**
 * Routes of the git plugin.
 *
 * @module
 */
import { HttpProblem } from "../../core/errors.ts";
import { chatIdentityOf } from "../../core/http/chat_identity.ts";
import { json } from "../../core/http/json.ts";
import { readQuery } from "../../core/http/query.ts";
import type { Awaitable, Routes, SocketChannel } from "../../core/plugin.ts";
import type { AgentgitConfig } from "./config.ts";
import { type Git, GitMissingError } from "./git_command.ts";
import type { PathStore } from "./path_store.ts";
import { DIFF_QUERY, SHOW_QUERY, STATUS_QUERY } from "./queries.ts";
import { MAX_MESSAGE_BYTES } from "./watch_message.ts";
import type { WatchSession } from "./watch_session.ts";

/** What the routes need. */
export interface RoutesParts {
  readonly git: Git;
  readonly paths: PathStore;
  readonly config: AgentgitConfig;
  readonly openSession: (socket: SocketChannel) => Promise<WatchSession>;
}

/** Registers `watch`, `show`, `status` and `diff`. */
export function registerRoutes(routes: Routes, parts: RoutesParts): void {
  const { git, paths, config } = parts;
  routes.describe(async () => (await import("./api.ts")).agentgitApi);

  routes.webSocket("/watch", (c) => {
    const chatId = uuidOf(c.req.query("chat_id"));
    return async (socket) => {
      const session = await parts.openSession(socket);
      await session.run(chatId ? paths.watch(chatId, socket.signal) : undefined);
    };
  }, { maxMessageBytes: MAX_MESSAGE_BYTES });

  routes.app.get("/show", (c) =>
    withGit(async () => {
      const query = readQuery(c, SHOW_QUERY);
      const { repo_root: repoRoot, path, ref } = query;
      const { showFile } = await import("./show_file.ts");
      const { signal } = c.req.raw;
      const contents = await showFile(git, { repoRoot, path, ref, maxBytes: config.maxShownFileBytes, signal });
      return json(c, { contents });
    }));

  routes.app.get("/status", (c) =>
    withGit(async () => {
      const { path } = readQuery(c, STATUS_QUERY);
      const { reportStatus } = await import("./repo_report.ts");
      return json(c, await reportStatus(git, path, c.req.raw.signal));
    }));

  routes.app.get("/diff", (c) =>
    withGit(async () => {
      const { path, base } = readQuery(c, DIFF_QUERY);
      const { reportDiff } = await import("./repo_report.ts");
      const { signal } = c.req.raw;
      return json(c, await reportDiff(git, path, { base, maxBytes: config.maxDiffBytes, signal }));
    }));
}

/** The chat of a watch connection comes as a parameter, in any spelling the header may have. */
function uuidOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : chatIdentityOf(new Headers({ "coder-chat-id": text }))?.chatId;
}

async function withGit(answer: () => Awaitable<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof GitMissingError)) throw error;
    throw new HttpProblem(503, "Git is not installed in this workspace", { code: error.code, detail: error.message });
  }
}
