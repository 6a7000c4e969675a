/**
 * WebSockets of `Deno.serve`.
 *
 * @module
 */
import { PING_FAILED, type SocketEvents, type SocketTransport, type UpgradeOptions } from "./socket_transport.ts";

/** Reason Deno gives when its ping was not answered. */
const DENO_PING_REASON = "No response from ping frame.";
/** Code Deno reports for a connection that was cut without a close frame. */
const DENO_CUT_CODE = 0;
/** First and longest wait between two looks at the send buffer, in milliseconds: Deno tells nobody when it drains. */
const DRAIN_POLL_MS = { first: 1, longest: 50 };

/** Upgrades a request of `Deno.serve`. */
export function upgradeOnDeno(request: Request, options: UpgradeOptions, events: SocketEvents): Response {
  // Deno pings after half of the timeout and closes after the whole of it.
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 2 * options.heartbeatMs / 1000 });
  socket.binaryType = "arraybuffer";
  const transport = new DenoTransport(socket);
  socket.onopen = () => events.opened(transport);
  socket.onmessage = ({ data }) => events.received(typeof data === "string" ? data : new Uint8Array(data));
  // May come twice; the first report is the true one.
  socket.onclose = ({ code, reason }) => {
    transport.release();
    if (reason === DENO_PING_REASON) events.ended(PING_FAILED.code, PING_FAILED.reason);
    else events.ended(code === DENO_CUT_CODE ? 1006 : code, reason);
  };
  // Without a listener Deno would report the error as uncaught; `close` follows and says the same.
  socket.onerror = (event) => event.preventDefault();
  return response;
}

class DenoTransport implements SocketTransport {
  readonly #socket: WebSocket;
  /** Ends the wait between two looks at the buffer. */
  #wake = () => {};

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: string | Uint8Array): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message as string | Uint8Array<ArrayBuffer>);
  }

  async drained(bytes: number): Promise<void> {
    let wait = DRAIN_POLL_MS.first;
    while (this.#socket.readyState === WebSocket.OPEN && this.#socket.bufferedAmount >= bytes) {
      await this.#pause(wait);
      wait = Math.min(wait * 2, DRAIN_POLL_MS.longest);
    }
  }

  close(code: number, reason: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code, reason);
    this.release();
  }

  /** Lets whoever waits for room look again: there will be none. */
  release(): void {
    this.#wake();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
