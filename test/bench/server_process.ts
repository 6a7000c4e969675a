/**
 * A server that benchmarks compare the agent with, as a process of its own.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";

/** A running server. Disposing it ends it. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly http: string;
}

/** Starts a program that prints `{"event":"listening","http":"…"}` as its first line. */
export async function startServer([program, ...args]: readonly string[]): Promise<ServerProcess> {
  const child = new Deno.Command(program!, { args, stdin: "null", stdout: "piped" }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
  const { value } = await lines.read();
  return {
    pid: child.pid,
    http: (JSON.parse(value ?? "") as { http: string }).http,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await lines.cancel();
    },
  };
}
