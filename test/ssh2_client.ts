/**
 * The library's own client, for what OpenSSH's programs cannot be made to say.
 *
 * @module
 */
import type { Duplex } from "node:stream";

import ssh2 from "ssh2";

import type { SshAgent } from "./ssh_agent.ts";

// deno-lint-ignore no-explicit-any -- the library has no types
export type Untyped = any;

/** How a command ended. */
export interface Ended {
  readonly code: number | null | undefined;
  readonly signal: string | undefined;
  readonly out: string;
}

/** A command that was started. */
export interface Running {
  readonly channel: Untyped;
  readonly ended: Promise<Ended>;
  /** Resolves when the output holds `text`. */
  until(text: string): Promise<void>;
}

/** One connection. Disposing it says goodbye. */
export class Client implements AsyncDisposable {
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #client: Untyped;

  private constructor(client: Untyped) {
    this.#client = client;
    client.on("error", () => {}); // A connection that is cut is what some tests are about.
    this.closed = new Promise((resolve) => client.on("close", () => resolve()));
  }

  /** Connects and logs in. @param sock What to speak on; by default a connection to the agent's port. */
  static connect(agent: SshAgent, sock?: Duplex): Promise<Client> {
    const client = new (ssh2 as Untyped).Client();
    return new Promise((resolve, reject) => {
      client.on("ready", () => resolve(new Client(client)));
      client.on("error", reject);
      client.connect({
        host: "127.0.0.1",
        port: agent.port,
        username: "x",
        sock,
        // We speak OpenSSH's extensions under our own name.
        strictVendor: false,
        // ChaCha20 of the library's client half leaks, like the server half does without its workaround.
        algorithms: { cipher: ["aes128-gcm@openssh.com"] },
      });
    });
  }

  /** The library's packet layer. */
  get protocol(): Untyped {
    return this.#client._protocol;
  }

  /** The library's client. */
  get library(): Untyped {
    return this.#client;
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.#client._sock.destroy();
  }

  /** Starts a command. */
  exec(command: string, options: Record<string, unknown> = {}): Promise<Running> {
    return new Promise((resolve, reject) => {
      this.#client.exec(command, options, (error: Error | undefined, channel: Untyped) => {
        if (error) return reject(error);
        let out = "";
        const waiting = new Set<() => void>();
        channel.on("data", (chunk: Uint8Array) => {
          out += new TextDecoder().decode(chunk);
          for (const check of waiting) check();
        });
        channel.stderr.resume();
        let code: number | null | undefined;
        let signal: string | undefined;
        channel.on("exit", (...exit: [number | null, string?]) => [code, signal] = exit);
        const ended = new Promise<Ended>((done) => channel.on("close", () => done({ code, signal, out })));
        const until = (text: string) =>
          new Promise<void>((done) => {
            const check = () => {
              if (!out.includes(text)) return;
              waiting.delete(check);
              done();
            };
            waiting.add(check);
            check();
          });
        resolve({ channel, ended, until });
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.end();
    await this.closed;
  }
}
