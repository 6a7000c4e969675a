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
      if (waitMs > 0) await waitForEnd(process, signal ?? NEVER, { ...options, waitMs });
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

const NEVER = new AbortController().signal;
