/**
 * Terminals by id, and the viewers' way to them.
 *
 * @module
 */
import { HttpProblem, messageOf } from "../../core/errors.ts";
import type { Clock, Logger, SocketChannel, Tasks } from "../../core/plugin.ts";
import type { ConnectionReports } from "../controlplane/service.ts";
import { type AttachQuery, type ViewerMessage, viewerMessage } from "./attach_query.ts";
import type { TerminalsConfig } from "./config.ts";
import type { TerminalViewers } from "./service.ts";
import { SharedTerminal, type Viewer } from "./shared_terminal.ts";
import { type ShellWork, startShell } from "./start_shell.ts";
import type { TerminalsMetrics } from "./terminals_metrics.ts";

/** What the table works with. */
export interface TerminalTableWork extends ShellWork {
  readonly config: TerminalsConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: Tasks;
  readonly metrics: TerminalsMetrics;
  readonly reports?: ConnectionReports;
}

interface Entry {
  readonly terminal: SharedTerminal;
  readonly input: WritableStreamDefaultWriter<Uint8Array>;
}

/** What reports say of viewers that did not leave by themselves, as the reference says it. */
const FAILED_CODE = 1;
const STOPPING_REASON = "server shutting down";
/** Closed by us because all is over. */
const NORMAL_CLOSURE = 1000;

/** Starts terminals and shows them. */
export class TerminalTable {
  readonly #work: TerminalTableWork;
  /** Those who ask for a terminal that is being started wait for it. */
  readonly #entries = new Map<string, Promise<Entry>>();
  #isStopping = false;
  #viewers = 0;
  #received = 0;
  #sent = 0;

  constructor(work: TerminalTableWork) {
    this.#work = work;
  }

  /** Terminals that are there. */
  get count(): number {
    return this.#entries.size;
  }

  /** Who is attached, and what went through. */
  readonly viewers: TerminalViewers = {
    count: () => this.#viewers,
    traffic: () => ({ received: this.#received, sent: this.#sent }),
  };

  /**
   * Finds or starts a terminal.
   *
   * @throws {HttpProblem} 429 when there are too many, 500 when it cannot be started.
   */
  async open(query: AttachQuery): Promise<Entry> {
    const { config, log, metrics } = this.#work;
    const known = this.#entries.get(query.id);
    if (known !== undefined) return await known;
    if (this.count >= config.maxTerminals) {
      throw new HttpProblem(
        429,
        `Cannot open a terminal: ${this.count} are open and the limit is ${config.maxTerminals}`,
      );
    }
    const starting = this.#start(query);
    this.#entries.set(query.id, starting);
    try {
      return await starting;
    } catch (error) {
      this.#entries.delete(query.id);
      metrics.errors.inc({ error_type: "create_command" });
      log.warn("terminal not started", { error: messageOf(error) });
      throw new HttpProblem(500, "Cannot start the terminal", { detail: messageOf(error), cause: error });
    }
  }

  /** Shows a terminal until the viewer leaves or the terminal ends. */
  async view({ terminal, input }: Entry, socket: SocketChannel, query: AttachQuery): Promise<void> {
    const { log, metrics, reports } = this.#work;
    metrics.connections.inc();
    this.#viewers++;
    const disconnected = reports?.connected("reconnecting_pty", "");
    const viewer: Viewer = {
      send: (bytes) => {
        this.#sent += bytes.length;
        return socket.send(bytes);
      },
      close: (reason) => socket.close(NORMAL_CLOSURE, reason),
    };
    try {
      await terminal.attach(viewer, query.size);
      for await (const raw of socket) {
        this.#received += raw.length;
        const message = viewerMessage(raw);
        if (message !== undefined) {
          await this.#take(message, { terminal, input });
          continue;
        }
        metrics.errors.inc({ error_type: "input_writer" });
        log.debug("message of a viewer not understood", { terminal: query.id, bytes: raw.length });
      }
      if (this.#isStopping) disconnected?.(FAILED_CODE, STOPPING_REASON);
      else disconnected?.(0, "");
    } catch (error) {
      disconnected?.(FAILED_CODE, messageOf(error));
      throw error;
    } finally {
      terminal.detach(viewer);
      this.#viewers--;
    }
  }

  /** The agent is about to stop: that is why viewers leave from now on. */
  stopping(): void {
    this.#isStopping = true;
  }

  async #take(message: ViewerMessage, { terminal, input }: Entry): Promise<void> {
    if (message.data !== "") await input.write(new TextEncoder().encode(message.data));
    if (message.size !== undefined) terminal.resize(message.size);
  }

  async #start(query: AttachQuery): Promise<Entry> {
    const { config, clock, log, metrics, tasks } = this.#work;
    const { ScreenMirror } = await import("./screen_mirror.ts");
    using starting = new DisposableStack();
    const mirror = starting.use(await ScreenMirror.open(query.size, config.scrollbackBytes));
    const child = await startShell(query.command, query.size, this.#work);
    starting.move();
    const terminal = new SharedTerminal({
      ...{ child, mirror, clock },
      idleMs: config.idleMs,
      onWriteError: (error) => {
        metrics.errors.inc({ error_type: "write" });
        log.debug("viewer of a terminal lost", { terminal: query.id, error: messageOf(error) });
      },
      onResizeError: (error) => {
        metrics.errors.inc({ error_type: "resize" });
        log.warn("terminal not resized", { terminal: query.id, error: messageOf(error) });
      },
    });
    tasks.run("terminal", async (signal) => {
      const stop = () => terminal.end(STOPPING_REASON);
      signal.addEventListener("abort", stop, { once: true });
      await terminal.run();
      signal.removeEventListener("abort", stop);
      this.#entries.delete(query.id);
    });
    return { terminal, input: child.stdin!.getWriter() };
  }
}
