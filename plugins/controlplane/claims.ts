/**
 * Waits for a prebuilt workspace to be claimed: its agent then begins anew, as its new owner's.
 *
 * @module
 */
import { readEvents } from "../../client/event_stream.ts";
import { elapsedOn } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, Renewal, Rpc } from "../../core/plugin.ts";
import { Backoff } from "../../core/rpc/backoff.ts";

/** Where the control plane tells of it. */
const PATH = "/api/v2/workspaceagents/me/reinit?wait=true";
/** Name under which one life tells the next whose workspace it is. */
const OWNER = "owner";
/**
 * Time without a byte after which the control plane is asked anew, in milliseconds. It sends something every 15 s; a connection that broke
 * without a word, as while a machine is suspended, would be listened to for ever.
 */
const SILENCE_MS = 60_000;

/** What {@linkcode awaitClaim} needs. */
export interface AwaitClaimOptions {
  readonly rpc: Pick<Rpc, "fetch">;
  readonly renewal: Renewal;
  readonly clock: Clock;
  readonly log: Logger;
  readonly backoff?: Backoff;
}

/**
 * Asks the control plane again and again, until it tells of a claim, or says that there is nothing to wait for, or `signal` aborts. The claim
 * that began this life is told again at every question; it is not news.
 */
export async function awaitClaim(options: AwaitClaimOptions, signal: AbortSignal): Promise<void> {
  const { rpc, renewal, clock, log, backoff = new Backoff() } = options;
  while (!signal.aborted) {
    try {
      using silence = new Silence(clock);
      const either = AbortSignal.any([signal, silence.signal]);
      const response = await rpc.fetch(PATH, { headers: { accept: "text/event-stream" }, signal: either });
      if (response.status === 409) {
        await response.body?.cancel();
        return log.info("no claim to wait for", {
          reason: "the control plane says that the workspace is not prebuilt",
        });
      }
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new Error(`The control plane answers ${response.status}`);
      }
      for await (const owner of owners(response.body?.pipeThrough(silence.listener()))) {
        backoff.reset();
        if (owner === renewal.carried[OWNER]) continue;
        log.info("workspace claimed, beginning anew", { owner });
        return renewal.request("the workspace was claimed", { [OWNER]: owner });
      }
    } catch (error) {
      if (signal.aborted) return;
      log.debug("cannot wait for a claim", { error: messageOf(error) });
    }
    await clock.sleep(backoff.next(), signal).catch(() => {}); // The loop ends with the signal.
  }
}

/** Ids of owners, as the events name them. @throws {SyntaxError} When an event cannot be read. */
async function* owners(body: ReadableStream<Uint8Array> | undefined): AsyncGenerator<string> {
  if (body === undefined) return;
  for await (const { event, data } of readEvents(body)) {
    if (event === "error") throw new Error("The control plane reports an error");
    if (event !== "data") continue;
    const { owner_id: owner = "" } = JSON.parse(data) as { readonly owner_id?: string };
    yield owner;
  }
}

/** Aborts its signal when nothing was heard for {@linkcode SILENCE_MS}. */
class Silence implements Disposable {
  readonly #clock: Clock;
  readonly #over = new AbortController();
  readonly #done = new AbortController();
  #heardAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAt = elapsedOn(clock);
    void this.#watch();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Passes bytes on; each piece breaks the silence. */
  listener(): TransformStream<Uint8Array, Uint8Array> {
    return new TransformStream({
      transform: (part, controller) => {
        this.#heardAt = elapsedOn(this.#clock);
        controller.enqueue(part);
      },
    });
  }

  [Symbol.dispose](): void {
    this.#done.abort();
  }

  async #watch(): Promise<void> {
    const left = () => this.#heardAt + SILENCE_MS - elapsedOn(this.#clock);
    for (let ms = left(); ms > 0; ms = left()) {
      if (!await this.#clock.sleep(ms, this.#done.signal).then(() => true, () => false)) return;
    }
    this.#over.abort(new Error(`The control plane has said nothing for ${SILENCE_MS} ms`));
  }
}
