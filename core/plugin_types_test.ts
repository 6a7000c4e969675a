/** The contract's types are part of the promise: what must not compile, does not. */
import { assertEquals } from "@std/assert";

import { z } from "zod";

import { serveAttached } from "./attached/mod.ts";
import { type Counter, definePlugin, defineService, optional, type PluginContext, type Resolved } from "./plugin.ts";
import { conformance } from "./testing/mod.ts";

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

/** A context without needs, for code that is compiled and never called. */
const ctx = {} as PluginContext<unknown, Record<never, never>>;

Deno.test("Routes refuse descriptions without an operation, limits that are none, and sockets that return something else", () => {
  compiled(() => {
    ctx.routes.limit("/big", { maxBodyBytes: Infinity });
    // @ts-expect-error limits are in milliseconds and bytes, by their names
    ctx.routes.limit("/big", { timeout: 1000 });
    const answers = { 200: { summary: "It is there." } };
    ctx.routes.describe(() => [{ operation: "pp.show", method: "get", path: "/", summary: "Shows.", answers }]);
    // @ts-expect-error a route is described with the name of its operation
    ctx.routes.describe(() => [{ method: "get", path: "/", summary: "Shows.", answers }]);
    ctx.routes.webSocket("/talk", () => async (socket) => await socket.send("hello"));
    // @ts-expect-error an opener answers, or takes the channel
    ctx.routes.webSocket("/talk", () => "hello");
  });
});

Deno.test("Hooks, tasks and health keep to what the driver can wait for", () => {
  compiled(() => {
    ctx.hooks.onStopping((reason) => ctx.log.info("stopping", { reason }));
    ctx.hooks.onDrain((signal) => signal.throwIfAborted(), { deadlineMs: 1000 });
    // @ts-expect-error a deadline is a number of milliseconds
    ctx.hooks.onDrain(() => {}, { deadlineMs: "1s" });
    ctx.tasks.run("work", async (signal) => await ctx.clock.sleep(1, signal), { restart: { maxPerHour: 3 } });
    // @ts-expect-error a restart has a budget
    ctx.tasks.run("work", async () => {}, { restart: true });
    // @ts-expect-error work that is not awaited has nobody to tell of its failure
    ctx.tasks.run("work", () => {});
    // @ts-expect-error a plugin says why it is limited
    ctx.health.degraded();
  });
});

Deno.test("Exec and Env take whole commands and text variables, and the context hands back what it keeps", () => {
  compiled(() => {
    void ctx.exec.spawn({ command: ["ls", "-l"], pty: { cols: 80, rows: 24 } });
    // @ts-expect-error a command has at least a program
    void ctx.exec.spawn({ command: [] });
    // @ts-expect-error the environment comes in layers
    void ctx.exec.spawn({ command: "ls", env: { PATH: "/bin" } });
    ctx.env.contribute("pp", (base) => ({ COPY: base.HOME ?? "" }));
    // @ts-expect-error variables are text
    ctx.env.contribute("pp", () => ({ COUNT: 1 }));
    // @ts-expect-error what others contributed is not changed in place
    ctx.env.contribute("pp", (base) => (base.HOME = "/tmp", base));
    const kept: AbortController & Disposable = ctx.defer(
      Object.assign(new AbortController(), { [Symbol.dispose]() {} }),
    );
    // @ts-expect-error nothing about it can be released
    ctx.defer({ close() {} });
    ctx.announce({ limits: { maxThings: 3 } });
    // @ts-expect-error limits are numbers
    ctx.announce({ limits: { maxThings: "3" } });
    void kept;
  });
});

Deno.test("serveAttached() and conformance() take what definePlugin() returned, and nothing that looks like it", () => {
  compiled(() => {
    const plugin = definePlugin({
      ...{ id: "pp", version: "1.0.0", api: 1, summary: "Types.", stability: "stable" },
      setup() {},
    });
    void serveAttached(plugin);
    conformance(plugin, { file: "/plugins/pp.ts" });
    // @ts-expect-error an id alone is no plugin
    void serveAttached({ id: "pp" });
    // @ts-expect-error time is virtual or real
    conformance(plugin, { time: "fast" });
  });
});
