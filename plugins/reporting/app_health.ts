/**
 * Whether the apps of a workspace answer.
 *
 * @module
 */
import type { Clock } from "../../core/plugin.ts";
import type { ManifestApp } from "../controlplane/service.ts";
import { ticks } from "./ticks.ts";

/** What is known of an app. */
export type AppHealthState = "initializing" | "healthy" | "unhealthy";
/** Asks an app whether it is well. Must not reject. */
export type AppProbe = (url: string, timeoutMs: number, signal: AbortSignal) => Promise<boolean>;

/** Kept between the end of one question and the next, in milliseconds: they must not meet. */
const MARGIN_MS = 1;

/** The apps that can be asked: those with an address, an interval and a threshold that are not switched off. */
export function checkedApps(apps: readonly ManifestApp[]): readonly ManifestApp[] {
  return apps.filter(({ id, health, healthcheck: { url, intervalMs, threshold } }) =>
    id !== "" && health !== "disabled" && url !== "" && intervalMs > MARGIN_MS && threshold > 0
  );
}

/** Health of one app: well after one answer, unwell when more answers than its threshold were missing in a row. */
export class AppHealth {
  #state: AppHealthState;
  #failures = 0;

  constructor(readonly threshold: number, state: AppHealthState) {
    this.#state = state;
  }

  /** As far as it is known. */
  get state(): AppHealthState {
    return this.#state;
  }

  /** Takes one answer. */
  record(isWell: boolean): void {
    if (isWell) {
      this.#failures = 0;
      this.#state = "healthy";
    } else if (this.#failures < this.threshold) {
      this.#failures++;
    } else {
      this.#state = "unhealthy";
    }
  }
}

/** What {@linkcode AppWatch.changes} returns. */
export interface AppHealthChange {
  readonly states: readonly { readonly id: string; readonly state: AppHealthState }[];
  /** Call it when the control plane has them. */
  readonly arrived: () => void;
}

/** Asks a set of apps, each at its own interval. */
export class AppWatch {
  readonly #options: { readonly clock: Clock; readonly probe: AppProbe };
  readonly #apps: readonly { readonly app: ManifestApp; readonly health: AppHealth }[];
  #reported: string;

  /** @param apps What {@linkcode checkedApps} returns. */
  constructor(apps: readonly ManifestApp[], options: { readonly clock: Clock; readonly probe: AppProbe }) {
    this.#options = options;
    this.#apps = apps.map((app) => ({
      app,
      health: new AppHealth(
        app.healthcheck.threshold,
        app.health === "healthy" || app.health === "unhealthy" ? app.health : "initializing",
      ),
    }));
    this.#reported = this.#fingerprint();
  }

  /** Asks until `signal` aborts. @throws Its reason. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#apps.map(({ app, health }) => this.#watch(app, health, signal)));
  }

  /** Every app's health, when something changed since the last that `arrived`. */
  changes(): AppHealthChange | undefined {
    const now = this.#fingerprint();
    if (now === this.#reported) return undefined;
    return {
      states: this.#apps.map(({ app, health }) => ({ id: app.id, state: health.state })),
      arrived: () => this.#reported = now,
    };
  }

  async #watch({ healthcheck }: ManifestApp, health: AppHealth, signal: AbortSignal): Promise<void> {
    const { clock, probe } = this.#options;
    for await (const _ of ticks(clock, () => healthcheck.intervalMs, signal)) {
      health.record(await probe(healthcheck.url, healthcheck.intervalMs - MARGIN_MS, signal));
    }
  }

  #fingerprint(): string {
    return this.#apps.map(({ health }) => health.state).join();
  }
}
