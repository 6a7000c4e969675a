/**
 * A control plane for tests: inside the process, over the real protocols, and as unreliable as a test wants it.
 *
 * @module
 */
import { RpcUnavailableError } from "../errors.ts";
import type { ServiceDescriptor, ServiceImplementation } from "../plugin.ts";
import { type ApiVersion, parseVersion } from "../rpc/api_version.ts";
import { bytePipe } from "../rpc/byte_pipe.ts";
import { type RpcLink, SessionLink } from "../rpc/link.ts";
import { serveSession } from "../rpc/multiplexed.ts";
import { ServiceRouter } from "../rpc/service_router.ts";
import { YamuxSession } from "../rpc/yamux/session.ts";

/** One call that arrived. */
export interface RecordedCall {
  /** Name of the method, such as `UpdateLifecycle`. */
  readonly method: string;
  /** The request as the implementation got it. */
  // deno-lint-ignore no-explicit-any -- a test knows which message it looks at
  readonly request: any;
}

/**
 * Give it to `createTestAgent({ controlPlane })`. It serves what {@linkcode TestControlPlane.serve} was given, records each call, and answers
 * "Unimplemented" to everything else.
 */
export class TestControlPlane {
  /** Calls so far, oldest first. */
  readonly calls: RecordedCall[] = [];
  /** Version it speaks. Lower it to see what an older control plane does. */
  version: ApiVersion = parseVersion("2.10");
  /** When set, attempts to connect fail with it. */
  refusal: Error | undefined;
  /** The agent's token. */
  token = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
  /** Answers plain HTTP requests; the address in front of the path means nothing. Default: 404 to everything. */
  answer: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 404 });
  /** Connections made so far. */
  connections = 0;
  readonly #router = new ServiceRouter();
  readonly #changed = new Set<() => void>();
  #session: YamuxSession | undefined;

  /** Whether an agent is connected. */
  get isConnected(): boolean {
    return this.#session?.isOpen ?? false;
  }

  /** Adds a service. Methods may be left out. */
  serve<S extends ServiceDescriptor>(service: S, implementation: ServiceImplementation<S>): this {
    const recorded = Object.fromEntries(
      Object.entries(implementation as Record<string, (input: unknown, call: unknown) => unknown>).map(
        ([name, method]) => {
          const { name: wireName } = service.method[name]!;
          return [name, (request: unknown, call: unknown) => {
            this.calls.push({ method: wireName, request });
            this.#notify();
            return method(request, call);
          }];
        },
      ),
    );
    this.#router.add(service, recorded as ServiceImplementation<S>);
    return this;
  }

  /** What the agent dials. */
  readonly dial = (signal: AbortSignal): Promise<RpcLink> => {
    signal.throwIfAborted();
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    const [ours, theirs] = bytePipe();
    // Time stands still in tests: pings that nobody waits for would only hold the clock.
    this.#session = new YamuxSession(ours, { role: "server", keepAliveMs: 0 });
    void serveSession(this.#session, this.#router.handle);
    void this.#session.closed.then(() => this.#notify());
    this.connections += 1;
    this.#notify();
    return Promise.resolve(new SessionLink(new YamuxSession(theirs, { role: "client", keepAliveMs: 0 }), this.version));
  };

  /** What the agent's plain requests get. */
  readonly fetch = async (path: string, init?: RequestInit): Promise<Response> => {
    if (this.refusal !== undefined) throw new RpcUnavailableError(path, "disconnected", this.refusal.message);
    return await this.answer(new Request(`http://control-plane.example${path}`, init));
  };

  /** Ends the present connection, as a control plane that restarts does. */
  async disconnect(): Promise<void> {
    const session = this.#session;
    session?.close();
    await session?.closed;
  }

  /** Takes no more calls on the present connection, which stays. */
  goAway(): void {
    this.#session?.goAway();
  }

  /** Resolves when `isTrue`, which is asked again after each call, connection and disconnection. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => this.#changed.add(resolve));
    }
  }

  /** Resolves with the requests of `method` when there are at least `count`. */
  async untilCalled(method: string, count = 1): Promise<readonly RecordedCall["request"][]> {
    const requests = () => this.calls.filter((call) => call.method === method).map((call) => call.request);
    await this.until(() => requests().length >= count);
    return requests();
  }

  #notify(): void {
    const waiting = [...this.#changed];
    this.#changed.clear();
    for (const resolve of waiting) resolve();
  }
}
