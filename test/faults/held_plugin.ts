/**
 * A plugin that does not get past one step of its life, for tests of what the agent does then. It holds a process, too.
 *
 * @module
 */
import { z } from "zod";

import { definePlugin, type Plugin } from "../../core/plugin.ts";

/** Where it can be held. `retry` throws instead, so that the agent waits before it tries again. */
export const STEPS = ["setup", "start", "retry", "ready", "task", "degraded", "drain", "shutdown", "defer"] as const;
/** One of {@linkcode STEPS}. */
export type Step = typeof STEPS[number];

interface HeldConfig {
  readonly at: Step;
  /** Path of the file that says that it is held. With `.stop` behind it, of the one that says that it was asked to stop. */
  readonly marker: string;
}

const config: z.ZodType<HeldConfig> = z.strictObject({ at: z.enum(STEPS), marker: z.string() });

const held: Plugin = definePlugin({
  id: "held",
  version: "1.0.0",
  api: 1,
  stability: "stable",
  summary: "Does not get past one step.",
  config,
  async setup(ctx) {
    const { at, marker } = ctx.config;
    const tell = () => Deno.writeTextFileSync(marker, "");
    const hang = () => {
      tell();
      return new Promise<void>(() => {});
    };
    ctx.signal.addEventListener("abort", () => Deno.writeTextFileSync(`${marker}.stop`, ""), { once: true });
    await ctx.exec.spawn({ command: "trap '' TERM INT HUP; while :; do sleep 0.1; done", stdin: "null" });
    if (at === "setup") await hang();
    if (at === "start") ctx.hooks.onStart(hang);
    if (at === "retry") {
      ctx.hooks.onStart(() => {
        tell();
        throw new Error("thrown on purpose");
      });
    }
    if (at === "ready") ctx.hooks.onReady(hang);
    if (at === "task") ctx.tasks.run("endless", hang);
    if (at === "degraded") {
      ctx.hooks.onReady(() => {
        ctx.health.degraded("on purpose");
        tell();
      });
    }
    if (at === "drain") ctx.hooks.onDrain(hang);
    if (at === "shutdown") ctx.hooks.onShutdown(hang);
    if (at === "defer") ctx.defer(hang);
  },
});
export default held;
