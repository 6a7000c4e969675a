/**
 * A program that lives and cannot be asked any more, because somebody removed the file of its HTTP socket.
 *
 * @module
 */
import { infoOf } from "../socket/unix_path.ts";
import { AttachedPluginError } from "./attached_error.ts";
import type { Conversation } from "./conversation.ts";

/** Looks after one program's socket. */
export class LostSocket {
  readonly #path: string;
  readonly #conversation: Pick<Conversation, "fail" | "lastWords">;
  #isLeaving = false;

  /** @param path Absolute path of the socket. */
  constructor(path: string, conversation: Pick<Conversation, "fail" | "lastWords">) {
    this.#path = path;
    this.#conversation = conversation;
  }

  /** The program was told to end: from now on it may remove the socket itself. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** Ends the conversation when the socket is gone: only another life of the program brings it back. Never rejects. */
  async look(): Promise<void> {
    if (await this.#isThere()) return;
    // A program that exits takes its socket away first; then its exit is the reason.
    await this.#conversation.lastWords();
    if (await this.#isThere()) return;
    this.#conversation.fail(
      new AttachedPluginError(`its HTTP socket "${this.#path}" was removed by somebody, so no request can reach it`),
    );
  }

  async #isThere(): Promise<boolean> {
    // What cannot be looked at is not known to be gone.
    return await infoOf(this.#path).catch(() => true) !== undefined || this.#isLeaving;
  }
}
