/**
 * The process table as a service for other plugins.
 *
 * @module
 */
import { HttpProblem } from "../../core/errors.ts";
import type { ChatIdentity } from "../../core/http/chat_identity.ts";
import { outputJson, processJson } from "./process_json.ts";
import { killTree, type ProcessRoutesOptions, refusalOf, sendSignal, SIGNALS, waitForEnd } from "./routes.ts";
import type { Processes } from "./service.ts";
import type { TrackedProcess } from "./tracked_process.ts";

/** Serves other plugins with what the routes work on. */
export function processService(options: ProcessRoutesOptions): Processes {
  const { table } = options;

  function found(id: string, chat: ChatIdentity | undefined): TrackedProcess {
    const process = table.find(id, chat);
    if (process === undefined) throw new HttpProblem(404, `Process "${id}" not found`);
    return process;
  }

  return {
    async start({ background = false, ...request }, chat) {
      if (request.command === "") throw new HttpProblem(400, "Command is required");
      try {
        const { process } = await table.start({
          ...request,
          background,
          output: "merged",
          stdin: "null",
          holdOutput: false,
        }, chat);
        return { id: process.id };
      } catch (error) {
        const { refusal, problem } = refusalOf(error);
        options.onRefused?.(refusal);
        throw problem;
      }
    },
    async output(id, { waitMs, signal, chat }) {
      const process = found(id, chat);
      if (waitMs > 0) {
        // Who was told that it still runs, and asks again, would ask without end.
        if (process.end === undefined) assertWaits(options.signal);
        await waitForEnd(process, signal ?? NEVER, { ...options, waitMs });
      }
      return outputJson(process);
    },
    list: (chat) => table.list(chat).map(processJson),
    async signal(id, signal, chat) {
      const process = found(id, chat);
      if (signal === "kill") await killTree(process);
      else sendSignal(process, SIGNALS[signal]);
    },
  };
}

function assertWaits(drained: AbortSignal): void {
  if (!drained.aborted) return;
  throw new HttpProblem(503, "Cannot wait for processes: the agent stops", { code: "plugin_draining" });
}

const NEVER = new AbortController().signal;
