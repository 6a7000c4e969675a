/**
 * Runs one script: to its end, its timeout, or the end of its plugin, with its output in a file and on its way.
 *
 * @module
 */
import { join } from "@std/path";

import { aborted } from "../../core/aborted.ts";
import { messageOf } from "../../core/errors.ts";
import type { Child, Clock, Exec, Logger } from "../../core/plugin.ts";
import type { ManifestScript } from "../controlplane/service.ts";
import { LineSplitter } from "./line_splitter.ts";
import type { LogLevel, LogSender } from "./log_sender.ts";
import { commandOf } from "../../core/exec/script_command.ts";

/** How a script went. */
export type ScriptStatus = "ok" | "exit_failure" | "timed_out" | "pipes_left_open";
/** One finished run. */
export interface ScriptEnd {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** 255 when it is not known. */
  readonly exitCode: number;
  readonly status: ScriptStatus;
}

/** What a run needs. */
export interface ScriptSurroundings {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sender: LogSender;
  /** Absolute path of the user's shell. */
  readonly shell: string;
  /** Parent of the data directories of all scripts. */
  readonly dataRoot: string;
  readonly binDirectory: string;
  /** Absolute path of the log file of a script. */
  readonly logFileOf: (script: ManifestScript) => string;
  /** Session variables of the user. */
  readonly base: Readonly<Record<string, string>>;
  readonly graceMs: number;
  /** Aborted when the plugin stops: scripts are ended, and outputs that somebody still holds open are not read on. */
  readonly signal: AbortSignal;
  /** Outputs that are being read, each until it and its file are closed. */
  readonly reading: Set<Promise<void>>;
}

/** What stands for the exit code of a script that has none. */
export const UNKNOWN_EXIT_CODE = 255;
/** Time a script has to end in its own way when its plugin stops, in milliseconds: well within what the stop of a plugin may take. */
const STOP_GRACE_MS = 500;

/**
 * Never rejects: a script that cannot be started has failed with exit code 255, and its log says why.
 *
 * @param limit Is over when it aborts, as its timeout is.
 */
export async function runScript(
  script: ManifestScript,
  on: ScriptSurroundings,
  limit?: AbortSignal,
): Promise<ScriptEnd> {
  const startedAtMs = on.clock.now();
  const output = await openOutput(script, on);
  try {
    const dataDirectory = join(on.dataRoot, script.logSourceId);
    await Deno.mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    const child = await on.exec.spawn({
      command: commandOf(script.script, on.shell),
      output: "separate",
      env: {
        base: on.base,
        overrides: { CODER_SCRIPT_DATA_DIR: dataDirectory, CODER_SCRIPT_BIN_DIR: on.binDirectory },
      },
    });
    const end = await follow(child, { script, output, limit }, on);
    return { startedAtMs, endedAtMs: on.clock.now(), ...end };
  } catch (error) {
    output.write("error", `Cannot run the script: ${messageOf(error)}`);
    output.close();
    return { startedAtMs, endedAtMs: on.clock.now(), exitCode: UNKNOWN_EXIT_CODE, status: "exit_failure" };
  } finally {
    on.sender.flush(script.logSourceId);
  }
}

async function follow(
  child: Child,
  { script, output, limit }: {
    readonly script: ManifestScript;
    readonly output: ScriptOutput;
    readonly limit?: AbortSignal;
  },
  on: ScriptSurroundings,
): Promise<Pick<ScriptEnd, "exitCode" | "status">> {
  // Whoever still holds the pipes after the end is read on, so that SIGPIPE ends nobody while the agent runs.
  const closed = Promise.all([output.read("info", child.output), output.read("error", child.errors)])
    .then(() => output.close());
  on.reading.add(closed);
  void closed.then(() => on.reading.delete(closed));
  const cut = AbortSignal.any([on.signal, ...limit === undefined ? [] : [limit]]);
  const isInTime = await endsBefore(on.clock, script.timeoutMs, cut, child.exited);
  if (!isInTime) {
    child.kill("SIGHUP");
    const graceMs = cut.aborted ? Math.min(STOP_GRACE_MS, on.graceMs) : on.graceMs;
    if (!await settlesWithin(on.clock, graceMs, child.exited)) child.kill("SIGKILL");
    await child.exited;
  }
  const { code } = await child.exited;
  const exitCode = code ?? UNKNOWN_EXIT_CODE;
  const isClosed = await settlesWithin(on.clock, on.graceMs, closed);
  if (!isInTime) return { exitCode, status: "timed_out" };
  if (!isClosed) {
    output.write("error", "WARNING: the script has ended and something it started still holds its output open");
    return { exitCode, status: "pipes_left_open" };
  }
  return { exitCode, status: exitCode === 0 ? "ok" : "exit_failure" };
}

/** Whether `work` settles before time is up, 0 being no limit, and before `cut` aborts. */
async function endsBefore(clock: Clock, ms: number, cut: AbortSignal, work: Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  const over = AbortSignal.any([settled.signal, cut]);
  const late = ms === 0 ? aborted(over) : clock.sleep(ms, over).catch(() => {});
  const result = await Promise.race([work.then(() => true), late.then(() => false)]);
  settled.abort();
  return result;
}

async function settlesWithin(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const settled = new AbortController();
  const late = clock.sleep(ms, settled.signal).then(() => false, () => true);
  const result = await Promise.race([work.then(() => true), late]);
  settled.abort();
  return result;
}

interface ScriptOutput {
  read(level: LogLevel, stream: ReadableStream<Uint8Array> | null): Promise<void>;
  write(level: LogLevel, line: string): void;
  close(): void;
}

/** Lines go to the sender, bytes to the file as they come. A file that cannot be written does not stop the script. */
async function openOutput(script: ManifestScript, on: ScriptSurroundings): Promise<ScriptOutput> {
  const file = await openLogFile(on.logFileOf(script), on.log);
  function send(level: LogLevel, lines: readonly string[]): void {
    const atMs = on.clock.now();
    on.sender.enqueue(script.logSourceId, lines.map((output) => ({ atMs, level, output })));
  }
  return {
    async read(level, stream) {
      if (stream === null) return;
      const lines = new LineSplitter();
      const reader = stream.getReader();
      const leave = () => void reader.cancel().catch(() => {}); // It failed already, which the loop is told.
      on.signal.addEventListener("abort", leave, { once: true });
      if (on.signal.aborted) leave();
      try {
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          send(level, lines.write(part.value));
          file.write(part.value);
        }
      } catch (error) {
        on.log.warn("script output ends early", { script: script.id, error: messageOf(error) });
      } finally {
        on.signal.removeEventListener("abort", leave);
      }
      send(level, lines.end());
    },
    write(level, line) {
      send(level, [line]);
      file.write(new TextEncoder().encode(`${line}\n`));
    },
    close: () => file.close(),
  };
}

async function openLogFile(path: string, log: Logger): Promise<{ write(chunk: Uint8Array): void; close(): void }> {
  let file: Deno.FsFile | undefined;
  function failed(error: unknown): void {
    log.warn("script log file is not written", { path, error: messageOf(error) });
    file?.close();
    file = undefined;
  }
  try {
    file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  } catch (error) {
    failed(error);
  }
  return {
    write(chunk) {
      try {
        for (let rest = chunk; file !== undefined && rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
      } catch (error) {
        failed(error);
      }
    },
    close() {
      file?.close();
      file = undefined;
    },
  };
}
