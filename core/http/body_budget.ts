/**
 * Memory for request bodies.
 *
 * @module
 */
import { HttpProblem } from "../errors.ts";

/** What one request holds of a {@linkcode BodyBudget}. */
export interface BodyShare {
  /** @throws {HttpProblem} 429 when all requests together would hold too much. */
  add(bytes: number): void;
  /** Gives everything back. */
  release(): void;
}

/**
 * Bounds the bodies of all requests that are worked on together: a limit on each, times the number of requests at once, is more
 * than most machines have, and what is made of a body is a multiple of it.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  #bytes = 0;
  /** Shares that hold something, the oldest first. */
  readonly #holders = new Set<BodyShare>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * A share that holds nothing yet. The oldest is never refused, its own limit counts: else many bodies that come piece by piece
   * could leave each other no room, and none would be answered.
   */
  share(): BodyShare {
    let own = 0;
    const share: BodyShare = {
      add: (bytes) => {
        const [oldest = share] = this.#holders;
        if (this.#bytes + bytes > this.#maxBytes && oldest !== share) throw this.#problem();
        this.#holders.add(share);
        this.#bytes += bytes;
        own += bytes;
      },
      release: () => {
        this.#holders.delete(share);
        this.#bytes -= own;
        own = 0;
      },
    };
    return share;
  }

  #problem(): HttpProblem {
    return new HttpProblem(429, "Too many bytes in requests at once", {
      detail: `${this.#bytes} bytes are being worked on and the limit is ${this.#maxBytes}`,
      headers: { "retry-after": "1" },
    });
  }
}
