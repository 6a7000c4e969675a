/**
 * Waits for a prebuilt workspace to be claimed: its agent then begins anew, as its new owner's.
 *
 * @module
 */
import { readEvents } from "../../client/event_stream.ts";
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, Renewal, Rpc } from "../../core/plugin.ts";
import { Backoff } from "../../core/rpc/backoff.ts";

/** Where the control plane tells of it. */
const PATH = "/api/v2/workspaceagents/me/reinit?wait=true";
/** Name under which one life tells the next whose workspace it is. */
const OWNER = "owner";

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
      const response = await rpc.fetch(PATH, { headers: { accept: "text/event-stream" }, signal });
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
      for await (const owner of owners(response)) {
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
async function* owners({ body }: Response): AsyncGenerator<string> {
  if (body === null) return;
  for await (const { event, data } of readEvents(body)) {
    if (event === "error") throw new Error("The control plane reports an error");
    if (event !== "data") continue;
    const { owner_id: owner = "" } = JSON.parse(data) as { readonly owner_id?: string };
    yield owner;
  }
}
