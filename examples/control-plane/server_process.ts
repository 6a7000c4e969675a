/**
 * The control plane as a process of its own, for tests and for the demonstration.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";
import { fromFileUrl } from "@std/path";

const MAIN = fromFileUrl(new URL("main.ts", import.meta.url));

/** A control plane that listens. Disposing it ends it. */
export interface ServerProcess extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly http: string;
  /** The admin token. */
  readonly token: string;
  /** Lets one browser in, once. */
  readonly link: string;
  /** Asks with the admin token. @throws {Error} If the answer is none of 2xx. */
  ask<T = Readonly<Record<string, unknown>>>(path: string): Promise<T>;
  /** Ends the process by a signal, and waits for the end. */
  end(signal: Deno.Signal): Promise<Deno.CommandStatus>;
}

/** What {@linkcode startServer} takes. */
export interface ServerProcessOptions {
  /** Flags of the program. */
  readonly args?: readonly string[];
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: its log is not shown. */
  readonly stderr?: "inherit" | "null";
}

/** Starts the program and waits until it listens. @throws {Error} If it ends before. */
export async function startServer(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", MAIN, "--format", "json", ...options.args ?? []],
    env: options.env,
    stdin: "null",
    stdout: "piped",
    stderr: options.stderr ?? "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  const reader = lines.getReader();
  const { value } = await reader.read();
  if (value === undefined) {
    const { code } = await child.status;
    throw new Error(`The control plane ended with ${code} before it listened`);
  }
  const { http, token_file: tokenFile, link } = JSON.parse(value) as Record<"http" | "token_file" | "link", string>;
  const token = (await Deno.readTextFile(tokenFile)).trim();
  let ending: Promise<Deno.CommandStatus> | undefined;
  const end = (signal: Deno.Signal) =>
    ending ??= (async () => {
      try {
        child.kill(signal);
      } catch {
        // It ended by itself, for example because Ctrl-C reached it too.
      }
      // To the end of its output, so that nothing of it is left open.
      while (!(await reader.read()).done);
      return await child.status;
    })();
  return {
    ...{ http, token, link, end },
    async ask(path) {
      const response = await fetch(http + path, { headers: { authorization: `Bearer ${token}` } });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
      return JSON.parse(text);
    },
    async [Symbol.asyncDispose]() {
      await end("SIGTERM");
    },
  };
}
