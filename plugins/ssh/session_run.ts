/**
 * The two ways a session's child runs: on three pipes, or on a terminal.
 *
 * @module
 */
import type { Child, Clock, EnvironmentLayers, Exec, Logger } from "../../core/plugin.ts";
import type { CommandWords } from "./session_command.ts";
import { feedInput, sendOutput } from "./session_streams.ts";
import { signalNamed } from "./signal_names.ts";
import type { SessionErrorType } from "./ssh_metrics.ts";
import { sttyArguments } from "./stty_arguments.ts";
import type { SshSession, TerminalRequest } from "./transport/ssh_session.ts";

/** What a run works with. */
export interface RunWork {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  /** Counts what failed on this side. */
  readonly fault: (type: SessionErrorType, error: unknown) => void;
  /** Children without a terminal: they outlive their client, and are told when the plugin stops. */
  readonly children: Set<Child>;
  /** Aborted when there is no time left for a graceful end. */
  readonly stopping: AbortSignal;
}

/** What to run. */
export interface RunCommand {
  readonly words: CommandWords;
  readonly cwd: string;
  readonly env: EnvironmentLayers;
}

/** Exit status of a command that a signal ended: there is none of its own. */
export const SIGNALLED_STATUS = 255;
/** Time a hung-up session has to end by itself before it is killed, in milliseconds: shells save their history in it. */
const HANGUP_GRACE_MS = 2000;

/** Becomes the user's command, once the terminal is as the client wants it. */
const TERMINAL_SCRIPT = 'SSH_TTY=$(tty) && export SSH_TTY; set -f; [ -z "$0" ] || stty $0 2>/dev/null; exec "$@"';

/**
 * Runs a command on three pipes, and resolves to its exit status when it has ended and nobody holds its output any more, or
 * the client is gone. The command then goes on, with its input ended and its output broken.
 */
export async function runOnPipes(session: SshSession, command: RunCommand, work: RunWork): Promise<number> {
  const child = await work.exec.spawn({
    command: command.words,
    cwd: command.cwd,
    env: command.env,
    stdin: "piped",
    output: "separate",
  });
  work.children.add(child);
  const ended = new AbortController();
  const exited = child.exited.then((status) => {
    work.children.delete(child);
    ended.abort();
    return status.code ?? SIGNALLED_STATUS;
  });
  session.onSignal((name) => deliver(child, name, work));
  const fed = feedInput(session.channel, child.stdin!, ended.signal);
  const sent = await Promise.all([
    sendOutput(child.output, session.channel, "stdout"),
    sendOutput(child.errors!, session.channel, "stderr"),
  ]);
  if (sent.includes(false)) return SIGNALLED_STATUS;
  const status = await exited;
  await fed;
  return status;
}

/**
 * Runs a command on a terminal, and resolves to its exit status when the terminal has told everything. When the client goes
 * first, the terminal is taken away and the command ended: nobody can reach it any more.
 */
export async function runOnTerminal(
  session: SshSession,
  terminal: TerminalRequest,
  command: RunCommand,
  work: RunWork,
): Promise<number> {
  const modes = sttyArguments(terminal.modes).join(" ");
  const child = await work.exec.spawn({
    command: ["/bin/sh", "-c", TERMINAL_SCRIPT, modes, ...command.words],
    cwd: command.cwd,
    env: command.env,
    pty: terminal.size,
  });
  const ended = new AbortController();
  child.exited.then(() => ended.abort());
  session.onSignal((name) => deliver(child, name, work));
  session.onResize((size) => {
    try {
      child.terminal?.resize(size);
    } catch (error) {
      work.fault("resize", error);
    }
  });
  const fed = feedInput(session.channel, child.stdin!, ended.signal);
  const isSent = await sendOutput(child.output, session.channel);
  if (!isSent) await hangUp(child, ended.signal, work);
  const { code } = await child.exited;
  await fed;
  await child.terminal?.close();
  return code ?? SIGNALLED_STATUS;
}

async function hangUp(child: Child, ended: AbortSignal, { clock, stopping }: RunWork): Promise<void> {
  await child.terminal?.close();
  // Rejects when the command has ended by itself, or there is no time.
  await clock.sleep(HANGUP_GRACE_MS, AbortSignal.any([ended, stopping])).catch(() => {});
  if (!ended.aborted) child.kill("SIGKILL");
}

/** To the command itself and not to its group, as the reference agent does. */
function deliver(child: Child, name: string, work: RunWork): void {
  try {
    Deno.kill(child.pid, signalNamed(name));
  } catch (error) {
    work.fault("signal", error);
  }
}
