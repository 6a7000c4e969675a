/**
 * The latest messages of a session, for clients whose connection broke.
 *
 * @module
 */
// @ts-types="@modelcontextprotocol/sdk/server/webStandardStreamableHttp"
import type { EventStore } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
// @ts-types="@modelcontextprotocol/sdk/types"
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";

interface LoggedEvent {
  readonly streamId: string;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

/** Messages kept at most, whatever their size: each costs memory beside its text. */
const MAX_EVENTS = 1000;

/**
 * Keeps what was sent, in bounded memory: the oldest messages go first, and a client that asks for them is told that its
 * place is not known any more.
 */
export class EventLog implements EventStore {
  /** By id, oldest first. */
  readonly #events = new Map<string, LoggedEvent>();
  readonly #maxBytes: number;
  #bytes = 0;
  #next = 0;

  /** @param maxBytes Length of all messages as JSON. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const id = String(this.#next++);
    const bytes = JSON.stringify(message).length;
    this.#events.set(id, { streamId, message, bytes });
    this.#bytes += bytes;
    for (const [oldest, event] of this.#events) {
      if (this.#bytes <= this.#maxBytes && this.#events.size <= MAX_EVENTS) break;
      this.#events.delete(oldest);
      this.#bytes -= event.bytes;
    }
    return Promise.resolve(id);
  }

  getStreamIdForEventId(id: string): Promise<string | undefined> {
    return Promise.resolve(this.#events.get(id)?.streamId);
  }

  async replayEventsAfter(
    lastId: string,
    { send }: { readonly send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const streamId = this.#events.get(lastId)?.streamId;
    if (streamId === undefined) throw new RangeError(`Cannot replay after event "${lastId}": it is not kept any more`);
    for (const [id, event] of [...this.#events]) {
      // An empty message only marked the beginning of its stream.
      if (event.streamId !== streamId || Number(id) <= Number(lastId) || !("jsonrpc" in event.message)) continue;
      await send(id, event.message);
    }
    return streamId;
  }
}
