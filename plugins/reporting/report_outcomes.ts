/**
 * What became of reports: counted, and told as the plugin's health.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Health } from "../../core/plugin.ts";
import type { ReportCounter, ReportKind } from "./reporting_metrics.ts";

/** Sends reports, and remembers how it went. */
export class ReportOutcomes {
  readonly #reports: ReportCounter;
  readonly #health: Health;
  readonly #refused = new Map<ReportKind, string>();

  constructor(reports: ReportCounter, health: Health) {
    this.#reports = reports;
    this.#health = health;
  }

  /** Runs `send`. @throws What it throws. */
  async send<Answer>(report: ReportKind, send: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await send();
      this.#reports.inc({ report, outcome: "sent" });
      this.#refused.delete(report);
      this.#tell();
      return answer;
    } catch (error) {
      this.#reports.inc({ report, outcome: "failed" });
      // A connection that was lost is the connection's affair, and comes back.
      if (isRefusal(error)) this.#refused.set(report, messageOf(error));
      this.#tell();
      throw error;
    }
  }

  #tell(): void {
    const [first] = this.#refused;
    if (first === undefined) this.#health.ok();
    else this.#health.degraded(`the control plane refuses ${first[0]}: ${first[1]}`);
  }
}

/** By code, so that an agent without a control plane loads nothing of the protocol. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "rpc_error";
}
