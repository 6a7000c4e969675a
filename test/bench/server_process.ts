/**
 * A server that benchmarks measure, as a process of its own.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";

/** A running server. Disposing it ends it. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Milliseconds from the spawn to the end of the first answer. */
  readonly startMs: number;
}

/** What {@linkcode startServer} takes beside the command. */
export interface ServerOptions {
  /** The whole environment. Default: the benchmark's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Asked until it answers with 200; without a token. Default `/healthz`. */
  readonly path?: string;
}

/**
 * Starts a program that prints `{"event":"listening","http":"http://127.0.0.1:PORT"}` as its first line, and asks it once
 * over a plain TCP connection: `fetch` would add its own first use to the time.
 */
export async function startServer(
  [program, ...args]: readonly string[],
  { env, path = "/healthz" }: ServerOptions = {},
): Promise<ServerProcess> {
  const from = performance.now();
  const child = new Deno.Command(program!, {
    args,
    ...(env === undefined ? {} : { env: { ...env }, clearEnv: true }),
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  async function end(): Promise<void> {
    child.kill("SIGTERM");
    await child.status;
    await lines.cancel();
  }
  try {
    const { value } = await lines.read();
    const port = Number(new URL((JSON.parse(value ?? "") as { http: string }).http).port);
    const status = await firstStatus(port, path);
    const startMs = performance.now() - from;
    if (status !== 200) throw new Error(`Cannot measure ${program}: it answered ${path} with ${status}`);
    return { pid: child.pid, port, startMs, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function firstStatus(port: number, path: string): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const head = new Uint8Array(1024);
  const bytes = await connection.read(head) ?? 0;
  return Number(/^HTTP\/1\.1 (\d+)/.exec(new TextDecoder().decode(head.subarray(0, bytes)))?.[1]);
}
