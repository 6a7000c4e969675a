/**
 * The numbers of one statistics report.
 *
 * @module
 */
import type { GatheredMetric } from "../../core/plugin.ts";
import type { SessionCounts, SshTransport } from "../ssh/service.ts";
import type { TerminalViewers } from "../terminals/service.ts";

/** Bytes from people to the workspace and back. */
export interface Traffic {
  readonly received: number;
  readonly sent: number;
}
/** One report. */
export interface StatsReport {
  readonly connections: number;
  /** Since the last report that arrived. */
  readonly traffic: Traffic;
  readonly sessions: SessionCounts & { readonly terminals: number };
  readonly metrics: readonly GatheredMetric[];
}

/** Where the numbers come from; a plugin that does not run counts nothing. */
export interface StatsSources {
  readonly ssh?: SshTransport;
  readonly terminals?: TerminalViewers;
  readonly gather: () => Promise<readonly GatheredMetric[]>;
  /** Most series in one report. */
  readonly maxMetrics: number;
}

/** Collects reports. What happens while one is on its way counts for the next, and so does one that does not arrive. */
export class StatsCollector {
  readonly #sources: StatsSources;
  readonly #arrived: Record<"ssh" | "terminals", Traffic> = { ssh: NO_TRAFFIC, terminals: NO_TRAFFIC };

  constructor(sources: StatsSources) {
    this.#sources = sources;
  }

  /** The numbers of now. Call `arrived` when the control plane has them. */
  async collect(): Promise<StatsReport & { readonly arrived: () => void }> {
    const { ssh, terminals, gather, maxMetrics } = this.#sources;
    const metrics = await gather();
    const sessions = ssh?.sessions() ?? { ssh: 0, vscode: 0, jetbrains: 0 };
    const totals = { ssh: ssh?.traffic() ?? NO_TRAFFIC, terminals: terminals?.traffic() ?? NO_TRAFFIC };
    const viewers = terminals?.count() ?? 0;
    return {
      connections: (ssh?.connections() ?? 0) + viewers,
      traffic: sum(since(totals.ssh, this.#arrived.ssh), since(totals.terminals, this.#arrived.terminals)),
      sessions: { ...sessions, terminals: viewers },
      metrics: metrics.slice(0, maxMetrics),
      arrived: () => Object.assign(this.#arrived, totals),
    };
  }
}

const NO_TRAFFIC: Traffic = { received: 0, sent: 0 };

function sum(a: Traffic, b: Traffic): Traffic {
  return { received: a.received + b.received, sent: a.sent + b.sent };
}

/** A plugin that was restarted counts from zero again. */
function since(total: Traffic, before: Traffic): Traffic {
  const isNew = total.received < before.received || total.sent < before.sent;
  return isNew ? total : { received: total.received - before.received, sent: total.sent - before.sent };
}
