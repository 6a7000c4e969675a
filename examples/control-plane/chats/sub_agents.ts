/**
 * Agents that work for a chat: chats below it.
 *
 * @module
 */
import { HttpProblem } from "../../../core/errors.ts";
import { type DesktopAgents, type SubAgent, type SubAgents, ToolError } from "../../../plugins/mcp/tools/mod.ts";
import type { Chat, ChatStore } from "./chat_store.ts";
import type { Chats } from "./chats.ts";
import { textOf } from "./history.ts";

/** What the tools for other agents do when a chat calls them. */
export function subAgentsOf(
  chat: Chat,
  { chats, store }: { readonly chats: Chats; readonly store: ChatStore },
): SubAgents {
  function below(id: string): string {
    const lower = id.toLowerCase();
    if (chats.isBelow(lower, chat.id)) return lower;
    throw new ToolError(`target chat is not a descendant of current chat: ${id}`);
  }
  return {
    spawn: ({ prompt, title }) => inWords(() => stateOf(chats.create({ prompt, title, parent: chats.chat(chat.id) }))),
    wait: (id, wait) =>
      inWords(async () => {
        const child = await chats.idle(below(id), wait);
        if (child.status === "error") throw new ToolError(child.error ?? "agent reached error status");
        return { ...stateOf(child), report: lastWords(store, child.id) };
      }),
    message: (id, { message, interrupt }) => inWords(() => stateOf(chats.say(below(id), message, { interrupt }))),
    close: (id) => inWords(async () => stateOf(await chats.interrupt(below(id)))),
  };
}

/** What `spawn_computer_use_agent` does when a chat calls it; `undefined` when no model can use a desktop. */
export function desktopAgentsOf(chat: Chat, chats: Chats): DesktopAgents | undefined {
  const model = chats.desktopModel(chat);
  if (model === undefined) return undefined;
  return {
    spawn: ({ prompt, title }) =>
      inWords(() => {
        return stateOf(chats.create({ prompt, title, model, mode: "computer_use", parent: chats.chat(chat.id) }));
      }),
  };
}

/** A model sees one text only, so a problem's detail joins its message. */
async function inWords<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HttpProblem) || error.detail === undefined) throw error;
    throw new ToolError(`${error.message}: ${error.detail}`, { cause: error });
  }
}

function stateOf({ id, title, status }: Chat): SubAgent {
  return { chat_id: id, title, status };
}

/** The newest words of the model. */
function lastWords(store: ChatStore, chatId: string): string {
  const said = store.messages(chatId).filter(({ role }) => role === "assistant").map(({ content }) => textOf(content));
  return said.findLast((text) => text !== "") ?? "";
}
