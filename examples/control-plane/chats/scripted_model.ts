/**
 * A model that follows a script: no network, no chance. It drives tests and demonstrations.
 *
 * @module
 */
import { textOf } from "./history.ts";
import {
  type JsonObject,
  type Model,
  ModelError,
  type ModelMessage,
  type ModelReply,
  type ModelRequest,
} from "./model.ts";

/** One answer of the model. */
export interface ScriptStep {
  readonly say?: string;
  /** Tools to call, all at once. */
  readonly use?: readonly { readonly tool: string; readonly input?: JsonObject }[];
  /** Default: `tool_use` with tools, `end_turn` without. */
  readonly stopReason?: string;
  /** Fails with these words instead of an answer. */
  readonly fail?: string;
}
/** What a step may look at. */
export interface ScriptTurn {
  /** Texts of the results of the calls of the step before, in the order of the calls. */
  readonly results: readonly string[];
  /** The same, read as JSON where they are JSON. */
  // deno-lint-ignore no-explicit-any -- a script knows what its tools answer
  readonly values: readonly any[];
  readonly request: ModelRequest;
  readonly signal: AbortSignal;
}
/** A step, or how to make it from what happened. */
export type ScriptEntry = ScriptStep | ((turn: ScriptTurn) => ScriptStep | Promise<ScriptStep>);

/** A script, and which chats it is for. */
export interface Script {
  /** Matched against the first message of the user. Default: any. */
  readonly when?: RegExp;
  readonly steps: readonly ScriptEntry[];
}

/**
 * Makes a model that answers with the steps of the first script that fits, one per answer. It counts its answers in the
 * history it is given, so that it goes on where it was also after a restart.
 *
 * @throws {ModelError} From `reply`, when no script fits, or the script is over.
 */
export function scriptedModel(scripts: readonly Script[], name: string = "scripted"): Model {
  return {
    ...{ name, usesDesktop: true },
    async reply(request, signal) {
      signal.throwIfAborted();
      const [first] = request.messages;
      const task = textOf(first?.content ?? []);
      const script = scripts.find(({ when }) => when?.test(task) ?? true);
      if (script === undefined) throw new ModelError(`No script fits ${JSON.stringify(task)}`);
      const done = request.messages.filter(({ role }) => role === "assistant").length;
      const entry = script.steps[done];
      if (entry === undefined) throw new ModelError(`The script has ${script.steps.length} steps and is over`);
      const step = typeof entry === "function" ? await entry(turnOf(request, signal)) : entry;
      if (step.fail !== undefined) throw new ModelError(step.fail);
      return replyOf(step, done);
    },
  };
}

function replyOf({ say, use = [], stopReason }: ScriptStep, step: number): ModelReply {
  return {
    content: [
      ...(say === undefined ? [] : [{ type: "text" as const, text: say }]),
      ...use.map(({ tool, input = {} }, index) => ({
        type: "tool_use" as const,
        id: `toolu_${step + 1}_${index + 1}`,
        name: tool,
        input,
      })),
    ],
    stopReason: stopReason ?? (use.length > 0 ? "tool_use" : "end_turn"),
  };
}

function turnOf(request: ModelRequest, signal: AbortSignal): ScriptTurn {
  const results = resultsOf(request.messages.at(-1));
  return { results, values: results.map(valueOf), request, signal };
}

function resultsOf(message: ModelMessage | undefined): readonly string[] {
  return (message?.content ?? []).flatMap((block) => {
    if (block.type !== "tool_result") return [];
    return [typeof block.content === "string" ? block.content : textOf(block.content)];
  });
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // The words of an error.
  }
}
