/**
 * What agents that build a network of their own ask beside the agent API.
 *
 * @module
 */
import { aborted } from "../../core/aborted.ts";
import type { ServiceImplementation } from "../../core/plugin.ts";
import type { CoordinateRequest, Tailnet } from "../../core/proto/gen/tailnet_pb.ts";

/**
 * A network without relays and without anybody else in it. Agents that have one find that out and stay connected; without these answers
 * they would take the control plane for broken and connect again and again.
 */
export const tailnetService: ServiceImplementation<typeof Tailnet> = {
  async *streamDERPMaps(_request, { signal }) {
    yield {};
    // Nothing ever changes, and the stream lasts as long as its reader.
    await aborted(signal);
  },
  // deno-lint-ignore require-yield -- there is no peer to tell of
  async *coordinate(requests) {
    await untilEnded(requests);
  },
};

/** What the agent says of itself is of use to nobody here; its last word, or its end, ends the call. */
async function untilEnded(requests: AsyncIterable<CoordinateRequest>): Promise<void> {
  for await (const { disconnect } of requests) {
    if (disconnect !== undefined) return;
  }
}
