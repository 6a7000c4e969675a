/**
 * Processes of an agent.
 *
 * @module
 */
import { OutpostApiError, OutpostConnectionError } from "./api_error.ts";
import type { CallOptions, Connection } from "./connection.ts";
import { readEvents, type ReceivedEvent } from "./event_stream.ts";
import type {
  ClosedEvent,
  GapEvent,
  Process,
  ProcessByToken,
  ProcessOutput,
  ProcessState,
  SignalProcess,
  StartedProcess,
  StartProcess,
} from "./gen/api.ts";

/** Something that happened to a process's output. `position` continues a stream after this event. */
export type ProcessEvent =
  & { readonly position: string }
  & (
    | {
      readonly event: "output";
      readonly stream: "output" | "errors";
      /** Of the first byte. */
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
    | { readonly event: "gap" } & GapEvent
    | { readonly event: "exit" } & ProcessState
    | { readonly event: "closed" } & ClosedEvent
  );

/** How to follow a process. */
export interface StreamOptions extends CallOptions {
  /** Where to begin, in bytes. Default 0. */
  readonly offset?: number;
  /** Where to begin in a standard error that is kept apart, in bytes. Default 0. */
  readonly errorsOffset?: number;
  /** Continues after this event's {@linkcode ProcessEvent.position}; wins over the offsets. */
  readonly position?: string;
  /** `"exit"` (default) ends with the process, `"closed"` with the last of its descendants that can write. */
  readonly until?: "exit" | "closed";
  /** Most attempts in a row to continue after the connection was lost. Default 5. */
  readonly attempts?: number;
}

/** Default of {@linkcode StreamOptions.attempts}. */
const ATTEMPTS = 5;
/** Pause before the second attempt, in milliseconds; each further one doubles it. The first comes at once. */
const PAUSE_MS = 100;

/** Starts commands and follows them. */
export class Processes {
  readonly #connection: Connection;

  /** @param connection The agent. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Starts a command. With `client_token`, asking again after a lost answer starts nothing twice. */
  start(request: StartProcess, options: CallOptions = {}): Promise<StartedProcess> {
    return this.#connection.call("processes.start", { body: request, ...options });
  }

  /** Lists processes, running ones first. */
  async list(options: CallOptions = {}): Promise<readonly Process[]> {
    return (await this.#connection.call("processes.list", options)).processes;
  }

  /** Finds the process that was started with a token. */
  byToken(token: string, options: CallOptions = {}): Promise<ProcessByToken> {
    return this.#connection.call("processes.byToken", { path: { token }, ...options });
  }

  /** The first and the last part of the output, as things are now. */
  output(id: string, options: CallOptions = {}): Promise<ProcessOutput> {
    return this.#connection.call("processes.output", { path: { id }, ...options });
  }

  /** Waits for the end, however long it takes, and resolves to the output. */
  async wait(id: string, options: CallOptions = {}): Promise<ProcessOutput> {
    while (true) {
      const output = await this.#connection.call("processes.output", {
        path: { id },
        query: { wait: "true" },
        ...options,
      });
      if (!output.running) return output;
    }
  }

  /** Signals the process and everything it started. */
  async signal(id: string, signal: SignalProcess["signal"], options: CallOptions = {}): Promise<void> {
    await this.#connection.call("processes.signal", { path: { id }, body: { signal }, ...options });
  }

  /** Writes input to a process that was started with `stdin: "piped"`. `close` ends its input after that. */
  async write(id: string, input: BodyInit, options: CallOptions & { readonly close?: boolean } = {}): Promise<void> {
    const { close = false, signal } = options;
    await this.#connection.call("processes.stdin", { path: { id }, query: { close }, body: input, signal });
  }

  /**
   * Follows the output until the end. When the connection is lost, it is continued where it was: no byte is given twice, and
   * bytes the agent no longer has are named in a `gap`.
   *
   * @throws {OutpostApiError} When the agent refuses.
   * @throws {OutpostConnectionError} When the connection is lost and cannot be continued.
   */
  async *stream(id: string, options: StreamOptions = {}): AsyncGenerator<ProcessEvent> {
    const { signal, until = "exit", attempts = ATTEMPTS } = options;
    let { position } = options;
    let failures = 0;
    while (true) {
      let cause: unknown;
      try {
        for await (const received of this.#events(id, options, position)) {
          const event = eventOf(received);
          position = event.position;
          failures = 0;
          yield event;
          if (event.event === until) return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof OutpostApiError) throw error;
        cause = error;
      }
      signal?.throwIfAborted();
      if (++failures > attempts) {
        throw new OutpostConnectionError(`Cannot follow process "${id}": the connection was lost`, { cause });
      }
      if (failures > 1) await pause(PAUSE_MS * 2 ** (failures - 2), signal);
    }
  }

  async *#events(id: string, options: StreamOptions, position: string | undefined): AsyncGenerator<ReceivedEvent> {
    const { offset, errorsOffset: errors_offset, until, signal } = options;
    const response = await this.#connection.request("processes.stream", {
      path: { id },
      query: { offset, errors_offset, until },
      headers: position === undefined ? {} : { "last-event-id": position },
      signal,
    });
    yield* readEvents(response.body!);
  }
}

function eventOf({ event, data, id: position }: ReceivedEvent): ProcessEvent {
  const facts = JSON.parse(data);
  if (event !== "output") return { ...facts, event, position };
  const { stream, offset, text, base64 } = facts;
  const bytes = text === undefined ? decodeBase64(base64 ?? "") : new TextEncoder().encode(text);
  return { event, stream, offset, bytes, position };
}

function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    function abort(): void {
      clearTimeout(timer);
      reject(signal!.reason);
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}
