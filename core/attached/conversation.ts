/**
 * The agent's side of the conversation with one attached program.
 *
 * @module
 */
import { type Clock, CONTRACT_MAJOR } from "../plugin.ts";
import { TokenCheck } from "../http/token.ts";
import { AttachedPluginError } from "./attached_error.ts";
import { LineChannel, type LineConnection } from "./line_channel.ts";
import { Pace } from "./pace.ts";
import {
  commonProtocol,
  isKnown,
  PROTOCOLS,
  readMessage,
  type Said,
  type SaidType,
  SOCKET_VARIABLE,
  type WireMessage,
} from "./protocol.ts";

/** Messages taken per second; a program that says more waits. */
const MESSAGES_PER_SECOND = 1000;

/** What {@linkcode Conversation} takes. */
export interface ConversationOptions {
  /** What the entry is called, and so the plugin has to be. */
  readonly id: string;
  readonly token: string;
  readonly clock: Clock;
  /** Told about messages of a type this version does not know. */
  readonly unknown: (type: string) => void;
  /** See {@linkcode Conversation.lastWords}. */
  readonly lastWords: () => Promise<unknown>;
}

/** Called for each message of a type. */
export type Listener<T extends SaidType> = (message: Said<T>) => void;

/** Waits for the program, judges its first words, and hands out what it says. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #token: TokenCheck;
  readonly #listeners = new Map<SaidType, Listener<never>>();
  readonly #heard = new Map<SaidType, PromiseWithResolvers<unknown>>();
  readonly #over = Promise.withResolvers<never>();
  #channel: LineChannel | undefined;
  #failure: AttachedPluginError | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#token = new TokenCheck(options.token);
    this.#over.promise.catch(() => {}); // Heard by whoever waits, and by nobody when nobody does.
  }

  /** Rejects with the reason when the conversation cannot go on. */
  get over(): Promise<never> {
    return this.#over.promise;
  }

  /** Whether somebody said "hello" who may. */
  get hasBegun(): boolean {
    return this.#channel !== undefined;
  }

  /** Ends the conversation for `error`; the first reason stays. */
  fail(error: AttachedPluginError): void {
    this.#failure ??= error;
    this.#over.reject(this.#failure);
  }

  /** Resolves when the program has exited or had its time to: its exit says more than its silence. */
  async lastWords(): Promise<void> {
    await this.#options.lastWords();
  }

  /** The first message of a type, which may have come already. @throws {AttachedPluginError} When it cannot come any more. */
  async expect<T extends SaidType>(type: T): Promise<Said<T>> {
    return await Promise.race([this.#first(type).promise, this.#over.promise]) as Said<T>;
  }

  /** Calls `listener` for every message of a type; it must not throw. */
  on<T extends SaidType>(type: T, listener: Listener<T>): void {
    this.#listeners.set(type, listener as Listener<never>);
  }

  /** Says something; nothing when nobody is there. Resolves when it was handed to the system. */
  async send(type: string, members: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.#channel?.send({ type, ...members });
  }

  /** Tells the program why it is not wanted, and fails. */
  async refuse(reason: string): Promise<never> {
    await this.send("refuse", { reason });
    const error = new AttachedPluginError(reason, { retriable: false });
    this.fail(error);
    throw error;
  }

  /** Takes a connection to the private socket. Never rejects. */
  async accept(connection: LineConnection, signal: AbortSignal): Promise<void> {
    const channel = new LineChannel(connection);
    signal.addEventListener("abort", () => channel.close(), { once: true });
    try {
      const messages = channel.messages();
      const { value: first, done } = await messages.next();
      if (done) return;
      // Whoever comes second is no reason to give up the first.
      if (this.#channel !== undefined) {
        return await channel.send({ type: "refuse", reason: "the plugin is connected already" });
      }
      const reason = this.#refusalOf(first);
      if (reason !== undefined) {
        await channel.send({ type: "refuse", reason });
        return this.fail(new AttachedPluginError(reason, { retriable: false }));
      }
      this.#channel = channel;
      this.#receive(first);
      const pace = new Pace(this.#options.clock, MESSAGES_PER_SECOND);
      for await (const message of messages) {
        this.#receive(message);
        await pace.spend(1, signal);
      }
      await this.lastWords();
      this.fail(new AttachedPluginError("it closed its connection to the agent"));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await channel.send({ type: "refuse", reason });
      this.fail(new AttachedPluginError(reason, { cause: error }));
    } finally {
      channel.close();
    }
  }

  #first(type: SaidType): PromiseWithResolvers<unknown> {
    const found = this.#heard.get(type) ?? Promise.withResolvers();
    this.#heard.set(type, found);
    return found;
  }

  #receive(message: WireMessage): void {
    if (!isKnown(message.type)) return this.#options.unknown(message.type.slice(0, 64));
    const said = readMessage(message.type, message);
    if (message.type === "failed") {
      const { message: reason, retriable = false } = said as Said<"failed">;
      return this.fail(new AttachedPluginError(reason, { retriable }));
    }
    this.#first(message.type).resolve(said);
    this.#listeners.get(message.type)?.(said as never);
  }

  /** Why the first words are not good enough. */
  #refusalOf(first: WireMessage): string | undefined {
    const { id } = this.#options;
    if (first.type !== "hello") return `it began with "${first.type.slice(0, 64)}": a plugin begins with "hello"`;
    const hello = readMessage("hello", first);
    if (!this.#token.accepts(hello.token)) {
      return `its token is not the one this agent gave it: it is started by the agent, with ${SOCKET_VARIABLE} and its token`;
    }
    if (commonProtocol(hello.protocols) === undefined) {
      const newest = Math.max(...hello.protocols);
      return `this agent speaks the attached protocol ${PROTOCOLS.join(", ")} and the plugin speaks ${
        hello.protocols.join(", ")
      }: update the ${newest > Math.max(...PROTOCOLS) ? "agent" : "plugin"}`;
    }
    if (hello.id !== id) return `it is the plugin "${hello.id}", but the entry is named "${id}": use the same name`;
    if (hello.api !== CONTRACT_MAJOR) {
      return `plugin "${id}" needs contract ${hello.api}; this agent speaks ${CONTRACT_MAJOR}: update the ${
        hello.api > CONTRACT_MAJOR ? "agent" : "plugin"
      }`;
    }
    if (hello.needs !== undefined && hello.needs.length > 0) {
      return `plugin "${id}" needs ${
        hello.needs.map((need) => `"${need}"`).join(", ")
      }, and services do not reach an ` +
        "attached plugin: build it in, or import it";
    }
    return undefined;
  }
}
