/**
 * Chats and the work they do.
 *
 * @module
 */
import { HttpProblem, messageOf } from "../../../core/errors.ts";
import type { Clock, Logger } from "../../../core/plugin.ts";
import { Changes } from "../changes.ts";
import { nowText } from "../timestamps.ts";
import { answerOpenCalls, DEFAULT_MAX_TURNS, runChat } from "./chat_run.ts";
import type { Chat, ChatMode, ChatStore } from "./chat_store.ts";
import type { ChatTool } from "./chat_tools.ts";
import { type Model, ModelError } from "./model.ts";

/** Children of one chat that are at work at the same time: each uses the model as much as its parent. */
const MAX_CHILDREN = 16;
/** Words and characters of a title that is taken from a message. */
const TITLE = { words: 6, chars: 80 };
/** Title of a chat without any message. */
const UNTITLED = "New chat";

/** What {@linkcode Chats} works with. */
export interface ChatsOptions {
  readonly store: ChatStore;
  /** The first is the default. */
  readonly models: readonly Model[];
  /** Tools of a chat. Asked at the start of each run. */
  readonly toolsOf: (chat: Chat, chats: Chats) => readonly ChatTool[];
  /** What the model of a chat is told before all else. */
  readonly systemOf: (chat: Chat) => string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Most answers of the model per run. Default {@linkcode DEFAULT_MAX_TURNS}. */
  readonly maxTurns?: number;
}

/** A chat to make. */
export interface NewChat {
  /** What the user says first; without it the chat waits. */
  readonly prompt?: string;
  /** Default: the beginning of the prompt. */
  readonly title?: string;
  readonly workspace?: string;
  readonly agentId?: string;
  /** Default: the first of the models. */
  readonly model?: string;
  readonly mode?: ChatMode;
  /** The chat that makes this one. Workspace, agent and model come from it, unless named. */
  readonly parent?: Chat;
}

interface Run {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Every chat there is. Methods that change something have stored it when they return. */
export class Chats {
  /** Says which chat has changed: `messages`, or `chat` for everything else. The agent's id is the chat's here. */
  readonly changes: Changes = new Changes();
  readonly #options: ChatsOptions;
  readonly #runs = new Map<string, Run>();
  #isClosed = false;

  constructor(options: ChatsOptions) {
    this.#options = options;
    // An earlier run of this program ended without a word to its chats.
    for (const { id } of this.#store.chats().filter(isBusy)) this.#settle(id, "the control plane was restarted");
  }

  /** Names of the models, the default first. */
  get models(): readonly string[] {
    return this.#options.models.map(({ name }) => name);
  }

  /** Name of the model for work of a chat on the desktop: its own where that can, else the first that can, if one can. */
  desktopModel({ model }: Chat): string | undefined {
    const able = this.#options.models.filter(({ usesDesktop }) => usesDesktop);
    return (able.find(({ name }) => name === model) ?? able[0])?.name;
  }

  get #store(): ChatStore {
    return this.#options.store;
  }

  /** @throws {HttpProblem} 404 when there is no such chat. */
  chat(id: string): Chat {
    const chat = this.#store.chat(id.toLowerCase());
    if (chat !== undefined) return chat;
    throw new HttpProblem(404, "No such chat", { detail: `no chat has the id "${id}"` });
  }

  /**
   * Makes a chat, and lets it begin when there is a prompt.
   *
   * @throws {HttpProblem} 400 for an unknown model and for a child of a child; 409 when there are too many children.
   */
  create(wanted: NewChat): Chat {
    const { parent } = wanted;
    const prompt = wanted.prompt?.trim() ?? "";
    const model = wanted.model ?? parent?.model ?? this.models[0] ?? "";
    if (wanted.model !== undefined || prompt !== "") this.#model(model);
    if (parent !== undefined) this.#checkParent(parent);
    const now = nowText(this.#options.clock.now());
    const chat: Chat = {
      id: crypto.randomUUID(),
      ...(parent && { parentId: parent.id, rootId: parent.rootId ?? parent.id }),
      title: wanted.title?.trim() || titleOf(prompt),
      workspace: wanted.workspace ?? parent?.workspace,
      agentId: wanted.agentId ?? parent?.agentId,
      model,
      mode: wanted.mode ?? "default",
      status: "waiting",
      createdAt: now,
      updatedAt: now,
    };
    this.#store.save(chat);
    if (prompt === "") this.changes.publish(chat.id, "chat");
    return prompt === "" ? chat : this.say(chat.id, prompt);
  }

  /**
   * Says something to a chat. While it works it hears that when its tools have answered; `interrupt` stops its work first.
   *
   * @throws {HttpProblem} 404; 400 when its model is not there; 409 when it is archived.
   */
  say(id: string, text: string, options: { readonly interrupt?: boolean } = {}): Chat {
    const chat = this.chat(id);
    if (chat.archivedAt !== undefined) {
      throw new HttpProblem(409, "The chat is archived", { detail: "unarchive it first" });
    }
    if (this.#isClosed) throw new HttpProblem(503, "The control plane is being stopped");
    this.#model(chat.model);
    const now = nowText(this.#options.clock.now());
    this.#store.queue(chat.id, { role: "user", content: [{ type: "text", text }], createdAt: now });
    const run = this.#runs.get(chat.id);
    if (run === undefined) this.#start(chat.id);
    else if (options.interrupt) run.stop.abort(new Error("the user has something else to say"));
    this.changes.publish(chat.id, "messages");
    return this.chat(chat.id);
  }

  /** Stops the work of a chat, if there is any, and forgets what it was still to hear. Resolves when it has stopped. */
  async interrupt(id: string): Promise<Chat> {
    const chat = this.chat(id);
    const run = this.#runs.get(chat.id);
    this.#store.clearQueue(chat.id);
    run?.stop.abort(new Error("the user stopped the work"));
    await run?.ended;
    return this.chat(id);
  }

  /** Stops a chat and those below it, and puts them away. */
  async archive(id: string): Promise<Chat> {
    const chat = this.chat(id);
    // First, so that nothing can be said to it and it can make no more chats.
    if (chat.archivedAt === undefined) this.#update(chat.id, { archivedAt: nowText(this.#options.clock.now()) });
    await this.interrupt(chat.id);
    for (const child of this.#store.chats({ parentId: chat.id })) await this.archive(child.id);
    return this.chat(id);
  }

  /** Takes a chat out of the archive, with those below it. */
  unarchive(id: string): Chat {
    const chat = this.chat(id);
    for (const child of this.#store.chats({ parentId: chat.id })) this.unarchive(child.id);
    if (chat.archivedAt !== undefined) this.#update(chat.id, { archivedAt: undefined });
    return this.chat(id);
  }

  /** Whether `id` is a chat below `ancestorId`, at any depth. */
  isBelow(id: string, ancestorId: string): boolean {
    for (let at = this.#store.chat(id)?.parentId; at !== undefined; at = this.#store.chat(at)?.parentId) {
      if (at === ancestorId) return true;
    }
    return false;
  }

  /**
   * Resolves once a chat has nothing left to do.
   *
   * @throws {Error} After `waitMs`.
   * @throws The reason of `signal` once it is aborted.
   */
  async idle(
    id: string,
    { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<Chat> {
    const enough = new AbortController();
    // Subscribed before the first look, so that no change is lost between the two.
    const watching = this.changes.watch(AbortSignal.any([signal, enough.signal]));
    void this.#options.clock.sleep(waitMs, enough.signal).then(() => enough.abort(), () => {
      // The chat was faster.
    });
    try {
      do {
        const chat = this.chat(id);
        if (!isBusy(chat)) return chat;
      } while (!(await watching.next()).done);
    } finally {
      enough.abort();
    }
    signal.throwIfAborted();
    throw new Error(`timed out after ${waitMs / 1000} s: the agent is still at work`);
  }

  /** Stops everything. Chats that were at work say so when they are looked at again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { stop } of this.#runs.values()) stop.abort(new Error("the control plane is being stopped"));
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
  }

  #start(id: string): void {
    this.#update(id, { status: "pending", error: undefined });
    const stop = new AbortController();
    // From here on asynchronous, so that whoever starts a chat sees it pending.
    const ended = Promise.resolve().then(() => this.#work(id, stop.signal));
    this.#runs.set(id, { stop, ended });
  }

  /** Never rejects. */
  async #work(id: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#workWhileStored(id, signal);
    } catch (error) {
      // The chat itself cannot be told: that would have to be stored too. It can be spoken to again, and settles at the next start.
      this.#options.log.error("chat not stored", { chat: id, error: messageOf(error) });
      this.#runs.delete(id);
    }
  }

  async #workWhileStored(id: string, signal: AbortSignal): Promise<void> {
    this.#update(id, { status: "running" });
    const error = await this.#run(id, signal);
    // Without a pause from here on: nobody may see an idle chat that has something to hear.
    this.#runs.delete(id);
    if (this.#isClosed) this.#settle(id, "the control plane was stopped");
    else if (this.#store.queued(id).length > 0) this.#start(id);
    else this.#update(id, { status: error === undefined ? "waiting" : "error", error });
  }

  /** Returns why the chat cannot go on, if so. */
  async #run(id: string, signal: AbortSignal): Promise<string | undefined> {
    const { clock, log, maxTurns = DEFAULT_MAX_TURNS, systemOf, toolsOf } = this.#options;
    const chat = this.chat(id);
    try {
      await runChat({
        ...{ chatId: id, store: this.#store, model: this.#model(chat.model), maxTurns },
        system: systemOf(chat),
        tools: toolsOf(chat, this),
        now: () => nowText(clock.now()),
        changed: () => this.changes.publish(id, "messages"),
      }, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof ModelError)) log.error("chat failed", { chat: id, error: messageOf(error) });
      answerOpenCalls(this.#answering(id), "The chat failed before this call was made");
      return messageOf(error);
    }
  }

  #settle(id: string, why: string): void {
    answerOpenCalls(this.#answering(id), `Interrupted: ${why}. A command may still run: see process_list`);
    this.#update(id, { status: "error", error: `Interrupted: ${why}. Say something to let the chat go on` });
  }

  #answering(chatId: string) {
    return { chatId, store: this.#store, now: () => nowText(this.#options.clock.now()) };
  }

  #model(name: string): Model {
    const model = this.#options.models.find((model) => model.name === name);
    if (model !== undefined) return model;
    const known = this.models.join(", ");
    throw new HttpProblem(400, name === "" ? "No model is set up" : `There is no model "${name}"`, {
      detail: known === "" ? "start the control plane with one" : `there are: ${known}`,
    });
  }

  #checkParent(parent: Chat): void {
    if (parent.parentId !== undefined) throw new HttpProblem(400, "delegated chats cannot create child subagents");
    if (parent.archivedAt !== undefined) throw new HttpProblem(409, "The parent chat is archived");
    const busy = this.#store.chats({ parentId: parent.id }).filter(isBusy).length;
    if (busy < MAX_CHILDREN) return;
    throw new HttpProblem(409, `The chat has ${busy} children at work and the limit is ${MAX_CHILDREN}`);
  }

  #update(id: string, change: Partial<Chat>): void {
    this.#store.save({ ...this.chat(id), ...change, updatedAt: nowText(this.#options.clock.now()) });
    this.changes.publish(id, "chat");
  }
}

function isBusy({ status }: Chat): boolean {
  return status === "pending" || status === "running";
}

function titleOf(prompt: string): string {
  const words = prompt.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return UNTITLED;
  const title = words.slice(0, TITLE.words).join(" ") + (words.length > TITLE.words ? "…" : "");
  return [...title].slice(0, TITLE.chars).join("");
}
