/**
 * The life of a session, from its start request to its last byte.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Child, Clock, Env, Exec, Logger, Tasks } from "../../core/plugin.ts";
import type { ConnectionKind, ConnectionReports } from "../controlplane/service.ts";
import { type AgentForward, forwardAgent } from "./agent_forward.ts";
import type { SshConfig } from "./config.ts";
import { BLOCKED_MESSAGE, BLOCKED_STATUS, isFileTransfer } from "./file_transfer_block.ts";
import { loginOutput } from "./login_output.ts";
import { formatAddress } from "./listen_address.ts";
import { type LoginUser, loginUser } from "./login_user.ts";
import type { SessionCounts } from "./service.ts";
import { sessionCommand } from "./session_command.ts";
import { sessionEnvironment } from "./session_environment.ts";
import { runOnPipes, runOnTerminal, type RunWork } from "./session_run.ts";
import { type ClientVariables, clientVariables, type ConnectionType } from "./session_type.ts";
import type { SessionErrorType, SshMetrics } from "./ssh_metrics.ts";
import { serveSftp } from "./sftp/sftp_server.ts";
import type { SshSession } from "./transport/ssh_session.ts";
import type { WorkspaceFacts } from "./workspace_facts.ts";
import type { X11Handover } from "./x11_handover.ts";

/** What sessions work with. */
export interface SessionsWork {
  readonly config: SshConfig;
  readonly exec: Exec;
  readonly env: Env;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: Tasks;
  readonly metrics: SshMetrics;
  readonly facts: WorkspaceFacts;
  readonly x11: X11Handover;
  readonly reports?: ConnectionReports;
}

/** Time the last message has to go out, in milliseconds. */
const FAREWELL_MS = 500;
/** Exit status when the session could not be run for a reason of this side. */
const FAILED_STATUS = 229;
/** Exit status when the session asked for something that is not there. */
const UNSUPPORTED_STATUS = 1;
/** Code of the report when the channel was closed without an exit status. */
const CLOSED_CODE = 1;

/** How a session ends: its status, and why it failed. */
interface Outcome {
  readonly status: number;
  readonly reason: string;
}

/** Runs sessions. One per plugin. */
export class Sessions {
  readonly #work: SessionsWork;
  readonly #children = new Set<Child>();
  readonly #running = new Set<SshSession>();
  readonly #counts: Record<ConnectionType, number> = { ssh: 0, vscode: 0, jetbrains: 0, unknown: 0 };
  readonly #stopping = new AbortController();

  constructor(work: SessionsWork) {
    this.#work = work;
  }

  /** Sessions that are running now. */
  get counts(): Pick<SessionCounts, "ssh" | "vscode"> {
    return { ssh: this.#counts.ssh, vscode: this.#counts.vscode };
  }

  /** Runs a session that was started. Returns at once, never throws. */
  start(session: SshSession): void {
    if (this.#stopping.signal.aborted) return this.#refuse(session);
    this.#work.tasks.run("session", () => this.#run(session));
  }

  /**
   * Refuses new sessions, tells people at terminals, closes every session without an exit status, and hangs up on commands
   * that run without a terminal.
   */
  async close(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    const farewell = new TextEncoder().encode("\r\nThe agent is stopping.\r\n");
    const atTerminals = [...this.#running].filter((session) => session.start.terminal !== undefined);
    const told = new AbortController();
    const writes = Promise.allSettled(atTerminals.map((session) => session.channel.write(farewell)));
    // A client that does not read holds its write back; the others must not wait for it for long.
    const limit = this.#work.clock.sleep(FAREWELL_MS, told.signal).catch(() => {});
    if (atTerminals.length > 0) await Promise.race([writes, limit]);
    told.abort();
    for (const session of this.#running) session.channel.close();
    for (const child of this.#children) child.kill("SIGHUP");
  }

  async #run(session: SshSession): Promise<void> {
    const client = clientVariables(session.start.env);
    const disconnected = this.#report(session, client.type);
    if (client.unknownType !== undefined) this.#work.log.warn("unknown session type", { type: client.unknownType });
    this.#running.add(session);
    this.#counts[client.type]++;
    const outcome = await this.#outcome(session, client);
    this.#running.delete(session);
    this.#counts[client.type]--;
    const wasCut = session.channel.signal.aborted;
    disconnected(
      wasCut && outcome.reason === "" ? { status: CLOSED_CODE, reason: "client disconnected" } : outcome,
    );
    await session.channel.exit(outcome.status);
  }

  async #outcome(session: SshSession, client: ClientVariables): Promise<Outcome> {
    const fault = (type: SessionErrorType, error: unknown) => this.#fault(session, client.type, type, error);
    try {
      return await this.#sequence(session, client, fault);
    } catch (error) {
      fault("start_command", error);
      await session.channel.write(new TextEncoder().encode(`outpost: ${messageOf(error)}\r\n`), "stderr");
      return { status: FAILED_STATUS, reason: messageOf(error) };
    }
  }

  async #sequence(session: SshSession, client: ClientVariables, fault: RunWork["fault"]): Promise<Outcome> {
    const { start, channel, connection } = session;
    const { config, env, exec, clock, log, metrics } = this.#work;
    if (config.blockFileTransfer && isFileTransfer(start)) {
      if (start.kind === "exec") await channel.write(new TextEncoder().encode(BLOCKED_MESSAGE));
      return { status: BLOCKED_STATUS, reason: "file transfer blocked" };
    }
    if (client.container) {
      await channel.write(
        new TextEncoder().encode("outpost: Cannot enter a container: this is not supported\r\n"),
        "stderr",
      );
      return { status: UNSUPPORTED_STATUS, reason: "sessions in containers are not supported" };
    }
    if (start.kind === "subsystem") return await this.#transfer(session);
    const display = await this.#display(session);
    if (display instanceof Error) {
      await channel.write(new TextEncoder().encode(`outpost: ${display.message}\r\n`), "stderr");
      return { status: UNSUPPORTED_STATUS, reason: "x11 handler failed" };
    }
    metrics.sessions.inc({ magic_type: client.type, pty: start.terminal === undefined ? "no" : "yes" });
    const user = await loginUser(await env.build());
    await using agent = await this.#forwardAgent(session, fault);
    const layers = sessionEnvironment({
      client: client.variables,
      user,
      peer: connection.peer,
      ...(start.terminal !== undefined && { term: start.terminal.term }),
      ...(agent !== undefined && { agentSocket: agent.path }),
      ...(display !== undefined && { display }),
    });
    const command = { words: sessionCommand(user.shell, start.text), cwd: await this.#directory(), env: layers };
    const work: RunWork = { exec, clock, log, fault, children: this.#children, stopping: this.#stopping.signal };
    if (start.terminal === undefined) return outcomeOf(await runOnPipes(session, command, work));
    if (start.text === "") await this.#greet(session, user, fault);
    return outcomeOf(await runOnTerminal(session, start.terminal, command, work));
  }

  /** SFTP. A client that reads its end without a status takes the transfer for failed, so there always is one. */
  async #transfer({ channel }: SshSession): Promise<Outcome> {
    const { env, clock, metrics, log } = this.#work;
    metrics.sftpConnections.inc();
    try {
      await serveSftp(channel.input, {
        directory: await this.#directory(),
        home: (await loginUser(await env.build())).home,
        now: () => clock.now(),
        send: (packet) => channel.write(packet),
      });
      return { status: 0, reason: "" };
    } catch (error) {
      metrics.sftpErrors.inc();
      log.info("sftp session failed", { error: messageOf(error) });
      return { status: UNSUPPORTED_STATUS, reason: messageOf(error) };
    }
  }

  /** The session's display; why there is none; `undefined` when nobody asked for one. */
  async #display(session: SshSession): Promise<string | Error | undefined> {
    try {
      return await this.#work.x11.open(session, this.#stopping.signal);
    } catch (error) {
      this.#work.log.warn("no display for a session", { error: messageOf(error) });
      return new Error(messageOf(error), { cause: error });
    }
  }

  async #forwardAgent(session: SshSession, fault: RunWork["fault"]): Promise<AgentForward | undefined> {
    if (!session.start.agentForwarding) return undefined;
    try {
      return await forwardAgent(session.connection, this.#work);
    } catch (error) {
      fault("listener", error);
      return undefined;
    }
  }

  async #greet(session: SshSession, user: LoginUser, fault: RunWork["fault"]): Promise<void> {
    const { facts, config } = this.#work;
    const { text, faults } = await loginOutput({
      banners: () => facts.banners(),
      motdFile: facts.motdFile ?? config.motdFile ?? undefined,
      home: user.home,
    });
    for (const { part, error } of faults) fault(part, error);
    await session.channel.write(new TextEncoder().encode(text));
  }

  #refuse(session: SshSession): void {
    const disconnected = this.#report(session, clientVariables(session.start.env).type);
    disconnected({ status: CLOSED_CODE, reason: "unable to accept new session, server is closing" });
    session.channel.close();
  }

  #fault(session: SshSession, type: ConnectionType, errorType: SessionErrorType, error: unknown): void {
    const pty = session.start.terminal === undefined ? "no" : "yes";
    this.#work.metrics.sessionErrors.inc({ magic_type: type, pty, error_type: errorType });
    this.#work.log.warn("session step failed", { step: errorType, error: messageOf(error) });
  }

  /** JetBrains opens very many sessions of its own; those are not reported. */
  #report(session: SshSession, type: ConnectionType): (outcome: Outcome) => void {
    const { reports } = this.#work;
    if (reports === undefined || type === "jetbrains") return () => {};
    const { address, port } = session.connection.peer;
    const ended = reports.connected(KINDS[type], address === "" ? "" : formatAddress(address, port));
    return ({ status, reason }) => ended(status, reason);
  }

  /** Where a session starts: where the control plane says, or the agent, or at home. */
  async #directory(): Promise<string> {
    return await this.#work.facts.directory() ?? await this.#work.exec.directory();
  }
}

/** What the control plane calls the types. */
const KINDS: Readonly<Record<ConnectionType, ConnectionKind>> = {
  ssh: "ssh",
  vscode: "vscode",
  jetbrains: "jetbrains",
  unknown: "unspecified",
};

function outcomeOf(status: number): Outcome {
  return { status, reason: status === 0 ? "" : `process exited with error status: ${status}` };
}
