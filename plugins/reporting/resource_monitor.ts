/**
 * Samples of memory and volumes, and the window of them that is reported.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger } from "../../core/plugin.ts";
import type { Usage } from "./memory_usage.ts";
import { ticks } from "./ticks.ts";

/** What the control plane wants sampled. */
export interface MonitorSettings {
  readonly memory: boolean;
  /** Paths on the volumes. */
  readonly volumes: readonly string[];
  /** Samples in the window. */
  readonly datapoints: number;
  readonly intervalMs: number;
}

/** One sample. What could not be read is not in it. */
export interface Datapoint {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly memory?: Usage;
  readonly volumes: readonly (Usage & { readonly path: string })[];
}

/** What {@linkcode ResourceMonitor} works with. */
export interface ResourceMonitorOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly memory: () => Promise<Usage>;
  readonly volume: (path: string) => Promise<Usage>;
  /** Sends a full window. A throw is logged, and the next sample sends the next one. */
  readonly push: (window: readonly Datapoint[]) => Promise<void>;
}

/** Whether there is anything to sample, and a window to put it in. */
export function isMonitoring({ memory, volumes, datapoints, intervalMs }: MonitorSettings): boolean {
  return (memory || volumes.length > 0) && datapoints > 0 && intervalMs > 0;
}

/** Samples at an interval, and sends the whole window with each sample once it is full. */
export class ResourceMonitor {
  readonly #options: ResourceMonitorOptions;
  readonly #settings: MonitorSettings;
  readonly #window: Datapoint[] = [];
  /** Sources that failed, so that each is logged once. */
  readonly #failing = new Set<string>();

  constructor(settings: MonitorSettings, options: ResourceMonitorOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** Runs until `signal` aborts. @throws Its reason. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, push } = this.#options;
    const { intervalMs, datapoints } = this.#settings;
    for await (const _ of ticks(clock, () => intervalMs, signal)) {
      this.#window.push(await this.#sample());
      if (this.#window.length > datapoints) this.#window.shift();
      if (this.#window.length < datapoints) continue;
      try {
        await push([...this.#window]);
      } catch (error) {
        if (!signal.aborted) log.warn("resource usage not reported", { error: messageOf(error) });
      }
    }
  }

  async #sample(): Promise<Datapoint> {
    const { clock, memory, volume } = this.#options;
    const atMs = clock.now();
    const [used, ...volumes] = await Promise.all([
      this.#settings.memory ? this.#read("memory", memory) : undefined,
      ...this.#settings.volumes.map((path) => this.#read(path, () => volume(path))),
    ]);
    return {
      atMs,
      ...(used !== undefined && { memory: used }),
      volumes: volumes.flatMap((usage, index) =>
        usage === undefined ? [] : [{ path: this.#settings.volumes[index]!, ...usage }]
      ),
    };
  }

  async #read(source: string, read: () => Promise<Usage>): Promise<Usage | undefined> {
    try {
      const usage = await read();
      this.#failing.delete(source);
      return usage;
    } catch (error) {
      if (!this.#failing.has(source)) {
        this.#options.log.warn("resource not sampled", { source, error: messageOf(error) });
      }
      this.#failing.add(source);
      return undefined;
    }
  }
}
