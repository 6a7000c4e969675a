/**
 * Carries SSH between a client's WebSocket and an agent.
 *
 * @module
 */
import { HttpProblem, messageOf } from "../../core/errors.ts";
import type { Clock } from "../../core/plugin.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { DialError } from "../../core/rpc/dial_error.ts";
import { joinStreams } from "../../core/rpc/join_streams.ts";
import { dialWebSocket } from "../../core/rpc/web_socket_dial.ts";
import { webSocketStream } from "../../core/rpc/web_socket_stream.ts";

/** Where agents serve SSH; they answer to any host. */
const AGENT_URL = "http://agent.internal/api/v0/ssh";
/** A WebSocket whose client does not answer a ping within this time is closed, in seconds. Deno pings after the half of it. */
const HEARTBEAT_SECONDS = 30;

/** What {@linkcode carrySsh} works with. */
export interface SshRouteOptions {
  /** Path of a socket that leads to the agent. */
  readonly unix: string;
  readonly clock: Clock;
}

/**
 * Opens the agent's side, so that its refusal is a plain answer, and then the client's.
 *
 * @throws {HttpProblem} 426 when the request asks for no upgrade, 502 when the agent does not serve SSH.
 */
export async function carrySsh(request: Request, { unix, clock }: SshRouteOptions): Promise<Response> {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new HttpProblem(426, "This route speaks WebSocket only", { headers: { upgrade: "websocket" } });
  }
  const agent = await dialAgent(unix, clock);
  try {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: HEARTBEAT_SECONDS });
    socket.onopen = () => void joinStreams(webSocketStream(socket, { clock }), agent);
    // A handshake that breaks has no stream yet; the agent's side would wait for ever.
    socket.onerror = (event) => {
      event.preventDefault();
      agent.close();
    };
    return response;
  } catch (error) {
    agent.close();
    throw new HttpProblem(400, "Cannot accept the WebSocket", { detail: messageOf(error), cause: error });
  }
}

async function dialAgent(unix: string, clock: Clock): Promise<ByteStream> {
  try {
    return await dialWebSocket({ url: new URL(AGENT_URL), headers: {}, unix, clock });
  } catch (error) {
    const isMissing = error instanceof DialError && error.refusal?.status === 404;
    throw new HttpProblem(502, "The agent does not serve SSH", {
      detail: isMissing ? "its plugin ssh is not running" : messageOf(error),
      cause: error,
    });
  }
}
