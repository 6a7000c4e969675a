/**
 * Gives displays to sessions, and takes them back.
 *
 * @module
 */
import { join } from "@std/path";

import { messageOf } from "../../core/errors.ts";
import type { Env, Health } from "../../core/plugin.ts";
import { bindPatiently } from "../../core/socket/bind_patiently.ts";
import type { X11Forwarder, X11Session } from "../ssh/service.ts";
import { FIRST_PORT, type X11Config } from "./config.ts";
import { bindDisplay, type DisplayPorts } from "./display_ports.ts";
import { type DisplayWork, ForwardedDisplay } from "./forwarded_display.ts";
import type { X11Counts, X11ErrorType } from "./x11_metrics.ts";
import { XauthorityFile } from "./xauthority_file.ts";
import { localRecord, type XauthorityRecord } from "./xauthority_records.ts";

/** What the table works with. */
export interface DisplayTableWork extends Omit<DisplayWork, "admit"> {
  readonly config: X11Config;
  readonly env: Env;
  readonly health: Health;
  /** Name of this machine, as X programs will ask for it. May throw. */
  readonly hostname: () => string;
}

/** Longest cookie, in hexadecimal digits; the one in use has 32. */
const MAX_COOKIE_DIGITS = 2048;

/** Opens displays. One per plugin. */
export class DisplayTable implements X11Forwarder {
  readonly #work: DisplayTableWork;
  readonly #file: XauthorityFile;
  /** Least recently used first. */
  readonly #displays = new Set<ForwardedDisplay>();
  #connections = 0;

  constructor(work: DisplayTableWork) {
    this.#work = work;
    this.#file = new XauthorityFile(work.clock);
  }

  /** What is open. */
  get counts(): X11Counts {
    return { displays: this.#displays.size, connections: this.#connections };
  }

  async open(session: X11Session): Promise<string> {
    const cookie = this.#cookieOf(session);
    const host = this.#host();
    const path = await this.#path().catch((error) => this.#failed("xauthority", error));
    session.disconnected.throwIfAborted(); // Nobody else need give way.
    const display = await this.#allocate(session, cookie).catch((error) => {
      session.disconnected.throwIfAborted(); // It left while a port was waited for, which is no fault of this side.
      return this.#failed("listen", error);
    });
    const record = localRecord(host, display.number, { protocol: session.request.protocol, cookie });
    // Right after it was made: a display may change hands at any time, and the file has to hear of that in the same order.
    this.#keep(display, { path, record });
    try {
      await this.#file.add(path, record, session.disconnected);
    } catch (error) {
      this.#close(display);
      await display.freed;
      session.disconnected.throwIfAborted();
      return this.#failed("xauthority", error);
    }
    this.#work.health.ok();
    return `localhost:${display.number}.${session.request.screen}`;
  }

  /** Opens a display on ports that nobody has, or else on those of the display that was used least recently. */
  async #allocate(session: X11Session, cookie: Uint8Array): Promise<ForwardedDisplay> {
    for (;;) {
      const free = this.#bind();
      if (free !== undefined) return this.#open(free, session, cookie);
      const closing = [...this.#displays].find(({ isOpen }) => !isOpen);
      if (closing === undefined) break;
      // It had its one connection. Its ports are free in a moment, and no session need end.
      await closing.freed;
      this.#displays.delete(closing);
    }
    return this.#open(this.#evict() ?? await this.#bindPatiently(session.disconnected), session, cookie);
  }

  /** For a range whose ports are none of ours: some may have been until a moment ago. */
  async #bindPatiently(signal: AbortSignal): Promise<DisplayPorts> {
    const { displayOffset, maxPort } = this.#work.config;
    return await bindPatiently(() => {
      const ports = this.#bind();
      if (ports !== undefined) return ports;
      throw new Deno.errors.AddrInUse(
        `every port from ${FIRST_PORT + displayOffset} to ${maxPort} is taken by other programs`,
      );
    }, { signal });
  }

  #open(ports: DisplayPorts, session: X11Session, cookie: Uint8Array): ForwardedDisplay {
    const used = () => this.#used(display);
    const admit = () => this.#admit();
    const display: ForwardedDisplay = new ForwardedDisplay({ ports, session, cookie, used }, { ...this.#work, admit });
    this.#displays.add(display);
    return display;
  }

  #bind(): DisplayPorts | undefined {
    const { displayOffset, maxPort } = this.#work.config;
    for (let number = displayOffset; number <= maxPort - FIRST_PORT; number++) {
      const ports = bindDisplay(number);
      if (ports !== undefined) return ports;
    }
    return undefined;
  }

  /** Takes the ports of the display that was used least recently; its session ends. `undefined` when there is no display. */
  #evict(): DisplayPorts | undefined {
    const [oldest] = this.#displays;
    const ports = oldest?.giveUpPorts();
    if (oldest === undefined || ports === undefined) return undefined;
    this.#displays.delete(oldest);
    this.#work.metrics.evictions.inc();
    this.#work.log.info("display taken from the session that used it least recently", { display: oldest.number });
    // Programs of that session would otherwise reach somebody else's screen.
    oldest.session.close();
    return ports;
  }

  /** Watches over a display until it has no ports any more, and takes its cookie back then. */
  #keep(display: ForwardedDisplay, at: { readonly path: string; readonly record: XauthorityRecord }): void {
    const { tasks, log } = this.#work;
    const close = () => this.#close(display);
    const { disconnected } = display.session;
    tasks.run("display", async (signal) => {
      const ended = AbortSignal.any([signal, disconnected]);
      ended.addEventListener("abort", close, { once: true });
      if (ended.aborted) close();
      await display.freed;
      ended.removeEventListener("abort", close);
      this.#displays.delete(display);
      await this.#file.remove(at.path, at.record).catch((error) =>
        log.warn("the cookie of a closed display is left behind", { path: at.path, error: messageOf(error) })
      );
    });
  }

  #close(display: ForwardedDisplay): void {
    this.#displays.delete(display);
    display.closePorts();
  }

  #used(display: ForwardedDisplay): void {
    if (this.#displays.delete(display)) this.#displays.add(display);
  }

  #admit(): (() => void) | undefined {
    if (this.#connections >= this.#work.config.maxConnections) return undefined;
    this.#connections++;
    return () => this.#connections--;
  }

  /** Where X programs look: where the workspace tells them, or else at home. */
  async #path(): Promise<string> {
    const { XAUTHORITY, HOME } = await this.#work.env.build();
    if (XAUTHORITY?.startsWith("/")) return XAUTHORITY;
    if (!HOME?.startsWith("/")) throw new Error("neither XAUTHORITY nor HOME says where cookies are kept");
    return join(HOME, ".Xauthority");
  }

  #host(): string {
    try {
      return this.#work.hostname();
    } catch (error) {
      return this.#failed("hostname", error);
    }
  }

  /** A client that sends nonsense is counted, and is no fault of this side. */
  #cookieOf({ request: { cookie } }: X11Session): Uint8Array {
    if (cookie.length <= MAX_COOKIE_DIGITS && /^(?:[0-9a-f]{2})+$/i.test(cookie)) {
      return Uint8Array.from(cookie.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    }
    this.#work.metrics.errors.inc({ error_type: "xauthority" });
    throw new SyntaxError(
      `Cannot forward X11: the client's cookie is not 2 to ${MAX_COOKIE_DIGITS} hexadecimal digits`,
    );
  }

  #failed(type: X11ErrorType, error: unknown): never {
    this.#work.metrics.errors.inc({ error_type: type });
    this.#work.health.degraded(`displays cannot be opened: ${messageOf(error)}`);
    throw new Error(`Cannot forward X11: ${messageOf(error)}`, { cause: error });
  }
}
