/**
 * Connection reports on their way: first in, first out, bounded, and kept while the control plane is away.
 *
 * @module
 */
import { LatestValue } from "../../core/latest_value.ts";
import type { Clock, Logger } from "../../core/plugin.ts";
import type { ConnectionKind, ConnectionReports } from "./service.ts";

/** One report. */
export interface ConnectionReport {
  readonly id: string;
  readonly kind: ConnectionKind;
  readonly action: "connect" | "disconnect";
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Host part of the peer's address; blank when there is none. */
  readonly ip: string;
  readonly statusCode: number;
  /** Present for disconnects, also when it is empty. */
  readonly reason?: string;
}

/** Takes reports that nobody will ever ask for. */
export const UNHEARD: ConnectionReports = { connected: () => () => {} };

/** Implements {@linkcode ConnectionReports}. */
export class ConnectionQueue implements ConnectionReports {
  readonly #reports: ConnectionReport[] = [];
  readonly changes: LatestValue<number> = new LatestValue();
  #change = 0;

  constructor(readonly options: { readonly clock: Clock; readonly log: Logger; readonly maxReports: number }) {}

  connected(kind: ConnectionKind, remoteAddress: string): (statusCode: number, reason: string) => void {
    const base = { id: crypto.randomUUID(), kind, ip: this.#hostOf(remoteAddress) };
    this.#push({ ...base, action: "connect", atMs: this.options.clock.now(), statusCode: 0 });
    let isOver = false;
    return (statusCode, reason) => {
      if (isOver) return;
      isOver = true;
      this.#push({ ...base, action: "disconnect", atMs: this.options.clock.now(), statusCode, reason });
    };
  }

  /** Takes the oldest report out; `undefined` when there is none. */
  take(): ConnectionReport | undefined {
    return this.#reports.shift();
  }

  #push(report: ConnectionReport): void {
    if (this.#reports.length >= this.options.maxReports) {
      this.options.log.warn("connection report dropped", { limit: this.options.maxReports, action: report.action });
      return;
    }
    this.#reports.push(report);
    this.changes.set(++this.#change);
  }

  /** A blank address is no error; one that cannot be read is kept as it is. */
  #hostOf(address: string): string {
    if (address === "") return "";
    const host = /^(?:\[([^\]]+)\]|([^:]*)):\d+$/.exec(address);
    if (host === null) this.options.log.error("address of a connection cannot be read", { address });
    const name = host === null ? address : host[1] ?? host[2] ?? "";
    return name === "localhost" ? "127.0.0.1" : name;
  }
}
