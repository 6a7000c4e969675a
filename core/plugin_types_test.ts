/** The contract's types are part of the promise: what must not compile, does not. */
import { assertEquals } from "@std/assert";

import { z } from "zod";

import { type Counter, definePlugin, defineService, optional, type PluginContext, type Resolved } from "./plugin.ts";

interface Greeter {
  greet(name: string): string;
}
const Greeter = defineService<Greeter>("greeter/greeter");
const Count = defineService<number>("counter/count");

/** Compiled, never called. */
function compiled(_fn: () => void): void {}

Deno.test("definePlugin() infers the services of required and optional needs", () => {
  const plugin = definePlugin({
    ...{ id: "pp", version: "1.0.0", api: 1, summary: "Types.", stability: "stable" },
    needs: { greeter: Greeter, count: optional(Count) },
    setup(ctx) {
      const text: string = ctx.services.greeter.greet("you");
      const count: number | undefined = ctx.services.count;
      // @ts-expect-error an optional need may be absent
      const sure: number = ctx.services.count;
      // @ts-expect-error only what was asked for is there
      void ctx.services.other;
      // @ts-expect-error services are read-only
      ctx.services.greeter = { greet: () => "" };
      void [text, count, sure];
    },
  });

  assertEquals(plugin.id, "pp");
});

Deno.test("definePlugin() takes the type of the settings from the schema and makes them read-only", () => {
  interface Settings {
    readonly size: number;
  }
  const config: z.ZodType<Settings> = z.strictObject({ size: z.number().default(1).describe("Size.") });

  const plugin = definePlugin({
    ...{ id: "pp", version: "1.0.0", api: 1, summary: "Types.", stability: "stable" },
    config,
    setup(ctx) {
      const size: number = ctx.config.size;
      // @ts-expect-error settings do not change while the plugin runs
      ctx.config.size = 2;
      // @ts-expect-error there is no such setting
      void ctx.config.length;
      void size;
    },
  });

  assertEquals(plugin.version, "1.0.0");
});

Deno.test("definePlugin() returns a frozen value that shows nothing but its id, version and contract", () => {
  const plugin = definePlugin({
    ...{ id: "pp", version: "1.0.0", api: 1, summary: "Types.", stability: "stable" },
    setup() {},
  });

  assertEquals(Object.isFrozen(plugin), true);
  compiled(() => {
    // @ts-expect-error only the core reads a definition
    plugin.setup({});
  });
});

Deno.test("definePlugin() refuses another major of the contract, an unknown stability and a missing summary", () => {
  compiled(() => {
    const common = { id: "pp", version: "1.0.0", summary: "Types.", setup() {} } as const;
    // @ts-expect-error this agent speaks 1
    definePlugin({ ...common, api: 2, stability: "stable" });
    // @ts-expect-error stability is a closed set
    definePlugin({ ...common, api: 1, stability: "good" });
    // @ts-expect-error a plugin says in one sentence what it is for
    definePlugin({ id: "pp", version: "1.0.0", api: 1, stability: "stable", setup() {} });
  });
});

Deno.test("Metrics keep label values to their closed sets and names to their forms", () => {
  compiled(() => {
    const ctx = {} as PluginContext<unknown, Record<never, never>>;
    const refused = ctx.metrics.counter("refused_total", { help: "Refused.", labels: { reason: ["full", "late"] } });
    refused.inc({ reason: "full" });
    // @ts-expect-error a typo in a label value
    refused.inc({ reason: "ful" });
    // @ts-expect-error labels are not optional when there are some
    refused.inc();
    // @ts-expect-error counters end in _total
    ctx.metrics.counter("refused", { help: "Refused." });
    // @ts-expect-error histograms name their unit
    ctx.metrics.histogram("took", { help: "Took.", buckets: [1] });
    const plain: Counter<Record<never, never>> = ctx.metrics.counter("seen_total", { help: "Seen." });
    plain.inc();
    // @ts-expect-error there are no labels to give
    plain.inc({ reason: "full" });
  });
});

Deno.test("Logger refuses values that print as noise, and provide() the wrong shape", () => {
  compiled(() => {
    const ctx = {} as PluginContext<unknown, Record<never, never>>;
    ctx.log.info("started", { pid: 1, error: new Error("x"), nested: { list: [1, "2"] } });
    // @ts-expect-error functions are no log values
    ctx.log.info("started", { run: () => {} });
    // @ts-expect-error a Map prints as noise
    ctx.log.info("started", { map: new Map() });
    // @ts-expect-error the service has another shape
    ctx.provide(Greeter, { greet: (name: number) => String(name) });
  });
});

Deno.test("Resolved<> maps needs to services", () => {
  const services: Resolved<{ a: typeof Count }> = { a: 1 };

  assertEquals(services.a, 1);
});
