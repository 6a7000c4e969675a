/**
 * Tools by which a model hands work to other models.
 *
 * @module
 */
import { z } from "zod";

import { defineTool, requiredText, type Tool, type ToolHints } from "./tool.ts";
import { SUB_AGENT_STATUSES, type SubAgent, type SubAgentReport } from "./workspace_api.ts";

/** Wait of a call that names none, in seconds. */
const DEFAULT_WAIT_SECONDS = 300;

const CHAT_ID: z.ZodType<string> = z.guid("chat_id must be a UUID, as spawn_agent gave it")
  .describe("As spawn_agent gave it.");

/** Text that is more than white space. */
function words(name: string, description: string): z.ZodType<string> {
  return requiredText(name, description).refine((text) => text.trim() !== "", `${name} is required`);
}

const AGENT = z.looseObject({
  chat_id: z.string().describe("Names the agent in the other calls."),
  title: z.string().describe("What it is called."),
  status: z.enum(SUB_AGENT_STATUSES).describe("waiting: it has nothing to do and waits for messages."),
});
const CHANGES: ToolHints = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: true,
};

interface SpawnInput {
  readonly prompt: string;
  readonly title?: string | null;
}

const TASK: z.ZodType<SpawnInput> = z.object({
  prompt: words("prompt", "The whole task: what to do, where, and what to report."),
  title: z.string().nullish().describe("A few words for people. Default: the beginning of the prompt."),
});

/** A tool that starts an agent, which `part` of the workspace does. */
function spawnTool(
  part: "agents" | "desktopAgents",
  words: { readonly name: string; readonly title: string; readonly description: string },
): Tool {
  return defineTool({
    ...words,
    part,
    input: TASK,
    result: AGENT,
    hints: CHANGES,
    run: ({ prompt, title }, api): Promise<SubAgent> =>
      api[part]!.spawn({ prompt: prompt.trim(), title: title?.trim() || undefined }),
  });
}

/** Starts another agent. */
export const spawnAgent: Tool = spawnTool("agents", {
  name: "spawn_agent",
  title: "Give work to another agent",
  description:
    "Starts another agent in this workspace with a task of its own and returns at once. Use it for work that is worth an " +
    "agent and does not depend on yours; what two agents change at once must not overlap. It knows only the prompt, has " +
    "the same tools and cannot start agents itself. Collect what it found with wait_agent.",
});

/** Starts another agent that uses the desktop. */
export const spawnComputerUseAgent: Tool = spawnTool("desktopAgents", {
  name: "spawn_computer_use_agent",
  title: "Give work on the desktop to another agent",
  description:
    "As spawn_agent, for work that needs the workspace's desktop: the agent also has the tool computer, by which it sees " +
    "the screen and uses mouse and keyboard. Use it for programs with windows and for looking at pages in a browser. " +
    "There is one desktop, so let one such agent work at a time. Collect what it found with wait_agent.",
});

/** Waits for another agent. */
export const waitAgent: Tool = defineTool({
  name: "wait_agent",
  title: "Wait for another agent",
  description:
    "Waits until an agent from spawn_agent has nothing left to do, and returns the last it said. Fails when the agent " +
    "stopped with an error, and when the time is up; the agent works on then, so call it again.",
  part: "agents",
  input: z.object({
    chat_id: CHAT_ID,
    timeout_seconds: z.number().nullish()
      .describe(`Longest wait. Default, also for 0 and less: ${DEFAULT_WAIT_SECONDS}.`),
  }),
  result: AGENT.extend({ report: z.string().describe("The last it said; empty when it said nothing.") }),
  hints: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  run({ chat_id, timeout_seconds }, api, { signal }): Promise<SubAgentReport> {
    const seconds = timeout_seconds ?? 0;
    return api.agents!.wait(chat_id, { waitMs: 1000 * (seconds > 0 ? seconds : DEFAULT_WAIT_SECONDS), signal });
  },
});

/** Says more to another agent. */
export const messageAgent: Tool = defineTool({
  name: "message_agent",
  title: "Say more to another agent",
  description:
    "Sends a message to an agent from spawn_agent. An agent at work hears it when its tools have answered; with interrupt " +
    "it stops what it does and hears it at once. Collect the answer with wait_agent.",
  part: "agents",
  input: z.object({
    chat_id: CHAT_ID,
    message: words("message", "What to say."),
    interrupt: z.boolean().nullish().describe("Stop its work first. Default: false."),
  }),
  result: AGENT.extend({ interrupted: z.boolean().describe("Whether it was told to stop its work.") }),
  hints: CHANGES,
  async run({ chat_id, message, interrupt }, api): Promise<SubAgent & { readonly interrupted: boolean }> {
    const interrupted = interrupt ?? false;
    return { ...await api.agents!.message(chat_id, { message: message.trim(), interrupt: interrupted }), interrupted };
  },
});

/** Stops another agent. */
export const closeAgent: Tool = defineTool({
  name: "close_agent",
  title: "Stop another agent",
  description: "Stops an agent from spawn_agent at once, with what it was still to hear. What it did stays done.",
  part: "agents",
  input: z.object({ chat_id: CHAT_ID }),
  result: AGENT.extend({ terminated: z.literal(true).describe("It has stopped.") }),
  hints: { ...CHANGES, destructiveHint: true, idempotentHint: true },
  async run({ chat_id }, api): Promise<SubAgent & { readonly terminated: true }> {
    return { ...await api.agents!.close(chat_id), terminated: true };
  },
});
