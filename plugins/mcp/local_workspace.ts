/**
 * The workspace this agent lives in, for tools.
 *
 * @module
 */
import { HttpProblem } from "../../core/errors.ts";
import type { ChatIdentity } from "../../core/http/chat_identity.ts";
import type { FileAccess } from "../agentfiles/service.ts";
import type { Processes } from "../agentproc/service.ts";
import type { DesktopActions } from "../desktop/service.ts";
import type { Caller } from "./caller.ts";
import type { TaskReports } from "./task_reports.ts";
import type { WorkspaceApi, WorkspaceFiles, WorkspaceProcesses, WorkspaceTasks } from "./tools/mod.ts";

/** What the agent can do now. */
export interface WorkspaceServices {
  readonly processes?: Processes;
  readonly files?: FileAccess;
  readonly tasks?: TaskReports;
  readonly desktop?: DesktopActions;
}

/**
 * The workspace as the caller sees it: the processes of its chat, or all when there is none; tasks when its app is known.
 */
export function localWorkspace(
  { processes, files, tasks, desktop }: WorkspaceServices,
  { chat, appSlug, isWatched = false }: Caller = {},
): WorkspaceApi {
  return {
    ...(processes && { processes: localProcesses(processes, chat) }),
    ...(files && { files: localFiles(files, chat) }),
    ...(tasks && appSlug !== undefined && { tasks: localTasks(tasks, appSlug, isWatched) }),
    ...(desktop && {
      desktop: { act: (action, { signal }) => inWords(() => desktop.act(action, { signal, chat })) },
    }),
  };
}

function localProcesses(processes: Processes, chat: ChatIdentity | undefined): WorkspaceProcesses {
  return {
    start: (start) => inWords(() => processes.start(start, chat)),
    output: (id, wait) => inWords(() => processes.output(id, { ...wait, chat })),
    list: () => inWords(() => ({ processes: processes.list(chat) })),
    signal: (id, signal) => inWords(() => processes.signal(id, signal, chat)),
  };
}

function localFiles(files: FileAccess, chat: ChatIdentity | undefined): WorkspaceFiles {
  return {
    readLines: (wanted) => inWords(() => files.readLines(wanted)),
    read: (wanted) => inWords(() => files.read(wanted)),
    write: (file) => inWords(() => files.write(file, chat)),
    edit: (wanted) =>
      inWords(() => {
        const editings = wanted.map(({ path, edits }) => ({
          path,
          edits: edits.map(({ search, replace, replace_all }) => ({ search, replace, replaceAll: replace_all })),
        }));
        return files.edit(editings, chat);
      }),
    list: (path) => inWords(() => files.list(path)),
  };
}

function localTasks(tasks: TaskReports, slug: string, isWatched: boolean): WorkspaceTasks {
  return {
    report: (report) =>
      inWords(async () => {
        // Models say that they are idle too early; who watches the screen knows better.
        const state = isWatched && report.state === "idle" ? "working" : report.state;
        await tasks.report(slug, { ...report, state, origin: "agent" });
      }),
  };
}

/** A model sees one text only, so a problem's detail joins its message. */
async function inWords<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.detail === undefined) throw error;
    throw new Error(`${error.message}: ${error.detail}`, { cause: error });
  }
}
