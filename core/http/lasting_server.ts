/**
 * A server that comes back.
 *
 * @module
 */
import { systemClock } from "../clock.ts";

/** Options of {@linkcode LastingServer}. */
export interface LastingServerOptions {
  /** Ends everything. */
  readonly cut: AbortSignal;
  /** Told when the server was lost, with the reason, and when it is back. */
  readonly said?: (what: "lost" | "back", reason?: unknown) => void;
  /** Milliseconds between two attempts. Default 250. */
  readonly againMs?: number;
}

const AGAIN_MS = 250;

/**
 * `Deno.serve` ends for good when it cannot accept a connection, for want of file descriptors for instance. This opens it again
 * until it is shut down. Connections that are open stay.
 */
export class LastingServer {
  /** Resolves when it was shut down, or `cut` aborted. Never rejects. */
  readonly finished: Promise<void>;
  #current: Deno.HttpServer;
  readonly #open: () => Deno.HttpServer;
  readonly #options: LastingServerOptions;
  readonly #over = new AbortController();

  /** @param open Makes it once more, at the same address. */
  constructor(first: Deno.HttpServer, open: () => Deno.HttpServer, options: LastingServerOptions) {
    this.#current = first;
    this.#open = open;
    this.#options = options;
    this.finished = this.#last(AbortSignal.any([options.cut, this.#over.signal]));
  }

  /** See `Deno.HttpServer.shutdown`. */
  async shutdown(): Promise<void> {
    this.#over.abort();
    // Lost at this moment: there is nothing to shut down, and what it still answered is done or cut.
    await this.#current.shutdown().catch(() => {});
  }

  async #last(over: AbortSignal): Promise<void> {
    for (;;) {
      const reason = await this.#current.finished.then(() => undefined, (error: unknown) => error);
      if (over.aborted) return;
      this.#options.said?.("lost", reason);
      if (!await this.#reopen(over)) return;
      this.#options.said?.("back");
    }
  }

  async #reopen(over: AbortSignal): Promise<boolean> {
    for (;;) {
      try {
        await systemClock.sleep(this.#options.againMs ?? AGAIN_MS, over);
      } catch {
        return false; // Shut down meanwhile.
      }
      try {
        this.#current = this.#open();
        return true;
      } catch {
        // The cause holds on: that was said, and the end of it will be.
      }
    }
  }
}
