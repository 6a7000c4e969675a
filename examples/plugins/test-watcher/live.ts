/**
 * The WebSocket of those who watch: runs go out, keys and sizes of a terminal come in.
 *
 * @module
 */
import { z } from "zod";

import type { SocketChannel } from "@outpost/agent";
import type { RunHistory } from "./run_history.ts";
import type { TestRunner } from "./test_runner.ts";

const size = z.number().int().min(1).max(1000);

/** What a viewer may say. */
export const FROM_CLIENT: z.ZodType<{ readonly type: string } | { readonly resize: { cols: number; rows: number } }> = z
  .union([
    z.strictObject({ type: z.string().describe("Keys for the terminal of the present run.") }),
    z.strictObject({ resize: z.strictObject({ cols: size, rows: size }).describe("Another size of it.") }),
  ]);

/** Close code of RFC 6455 for a message that makes no sense here. */
const POLICY_VIOLATION = 1008;

/** Serves one viewer until it leaves or `signal` aborts. */
export async function serveViewer(
  socket: SocketChannel,
  { history, runner, signal }: {
    readonly history: RunHistory;
    readonly runner: TestRunner;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const listening = (async () => {
    for await (const message of socket) {
      const said = FROM_CLIENT.safeParse(parsed(message));
      if (!said.success) return socket.close(POLICY_VIOLATION, "expected { type } or { resize: { cols, rows } }");
      if ("type" in said.data) await runner.type(said.data.type);
      else runner.resize(said.data.resize);
    }
  })();
  for await (const run of history.watch(AbortSignal.any([socket.signal, signal]))) {
    await socket.send(JSON.stringify(run));
  }
  await listening;
}

function parsed(message: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof message === "string" ? message : new TextDecoder().decode(message));
  } catch {
    return undefined;
  }
}
