/**
 * The tool `computer` of a chat: the desktop of its workspace, over the agent's HTTP API.
 *
 * @module
 */
import { OutpostApiError, type OutpostClient } from "../../../client/mod.ts";
import { computer, type DesktopAction } from "../../../plugins/mcp/tools/mod.ts";
import { type ChatTool, sharedTool, type ToolCall } from "./chat_tools.ts";

type Answer = Awaited<ReturnType<typeof act>>;

/**
 * The tool for one run of a chat. Calls that a model makes at once are done one after the other, in their order, and each
 * tells the agent by which picture it was decided: the last that the model had been shown when it made the call. So nothing is
 * clicked on a screen that a person has used since.
 *
 * @param client A client of the agent for one call.
 */
export function computerTool(client: (call: ToolCall) => OutpostClient): ChatTool {
  let shownEpoch: number | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function toolFor(call: ToolCall): ChatTool {
    const epoch = shownEpoch;
    const agent = client(call);
    return sharedTool(computer, () => ({
      desktop: {
        async act(action, { signal }): Promise<Answer> {
          const answer = await act(agent, { ...action, epoch }, signal);
          if (answer.screenshot_data !== undefined) shownEpoch = answer.epoch;
          return answer;
        },
      },
    }));
  }

  return {
    definition: sharedTool(computer, () => ({})).definition,
    call(input, call) {
      const tool = toolFor(call);
      const done = last.then(() => tool.call(input, call));
      last = done.catch(() => {
        // The model is told by the call's own result.
      });
      return done;
    },
  };
}

async function act(agent: OutpostClient, action: DesktopAction, signal: AbortSignal) {
  try {
    return await agent.call("desktop.act", { body: action, signal });
  } catch (error) {
    if (!(error instanceof OutpostApiError) || error.status !== 404) throw error;
    const what = "The workspace has no desktop, because its agent runs without the plugin desktop";
    throw new Error(`${what}. Go on without it, or report that it is missing`, { cause: error });
  }
}
