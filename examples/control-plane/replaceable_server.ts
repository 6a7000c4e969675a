/**
 * A control plane as a process that can be killed and started anew behind one address, for tests.
 *
 * @module
 */
import { type ServerProcess, startServer } from "./server_process.ts";

/** Where agents connect, whichever process serves it at the moment: a restart needs no port of its own, and who comes meanwhile waits. */
export class ReplaceableServer implements AsyncDisposable {
  readonly #args: readonly string[];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving = this.#serve();
  #server = Promise.withResolvers<ServerProcess | undefined>();

  /** @param args Flags of the control plane. */
  constructor(args: readonly string[]) {
    this.#args = args;
  }

  /** Where agents connect. */
  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  /** Starts a control plane behind the door. */
  async start(): Promise<ServerProcess> {
    const server = await startServer({ args: this.#args });
    this.#server.resolve(server);
    return server;
  }

  /** Kills the control plane and starts another one. */
  async replace(): Promise<ServerProcess> {
    const old = await this.#server.promise;
    this.#server = Promise.withResolvers();
    await old?.end("SIGKILL");
    return await this.start();
  }

  /** Ends the control plane, and everything that goes through the door. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.resolve(undefined);
    this.#listener.close();
    await (await this.#server.promise)?.end("SIGTERM");
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const running = new Set<Promise<void>>();
    for await (const conn of this.#listener) {
      const joined = this.#join(conn).catch(() => {}).finally(() => running.delete(joined)); // One end went away.
      running.add(joined);
    }
    await Promise.all(running);
  }

  async #join(near: Deno.Conn): Promise<void> {
    try {
      const server = await this.#server.promise;
      if (server === undefined) return;
      const { hostname, port } = new URL(server.http);
      const far = await Deno.connect({ hostname, port: Number(port) });
      await Promise.allSettled([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
    } finally {
      try {
        near.close();
      } catch {
        // The pipe has closed it.
      }
    }
  }
}
