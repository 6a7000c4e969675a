/**
 * A TCP connection that can go dead.
 *
 * @module
 */

/** A way to a port on which connections can go dead: open at both ends, and nothing comes through any more. */
export class Cable implements AsyncDisposable {
  /** Connections made through it so far. */
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ends: Deno.TcpConn[] = [];
  readonly #carrying: Promise<void>[] = [];
  readonly #accepting: Promise<void>;
  #cut = new AbortController();

  /** @param to Port of this machine. */
  constructor(to: number) {
    this.#accepting = this.#accept(to);
  }

  /** Where to connect. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Nothing more comes through the connections there are. */
  cut(): void {
    this.#cut.abort();
    this.#cut = new AbortController();
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const end of this.#ends) end.close();
    await Promise.all(this.#carrying);
  }

  async #accept(to: number): Promise<void> {
    for await (const near of this.#listener) {
      this.connections++;
      const far = await Deno.connect({ hostname: "127.0.0.1", port: to });
      this.#ends.push(near, far);
      this.#carrying.push(carry(near, far, this.#cut.signal), carry(far, near, this.#cut.signal));
    }
  }
}

async function carry(from: Deno.TcpConn, to: Deno.TcpConn, cut: AbortSignal): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (let count = await from.read(buffer); count !== null && !cut.aborted; count = await from.read(buffer)) {
      for (let rest = buffer.subarray(0, count); rest.length > 0;) rest = rest.subarray(await to.write(rest));
    }
    if (!cut.aborted) await to.closeWrite();
  } catch {
    // One end was closed.
  }
}
