import { assertEquals, assertStringIncludes } from "@std/assert";

import { Environment, type EnvironmentOptions } from "./environment.ts";
import { systemClock } from "./clock.ts";
import type { Clock, LogFields, Logger } from "./plugin.ts";

interface Line {
  readonly message: string;
  readonly fields: LogFields;
}

function recorder(): Logger & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const add = (message: string, fields: LogFields = {}) => void lines.push({ message, fields });
  return { lines, debug: add, info: add, warn: add, error: add };
}

function environment(options: Partial<EnvironmentOptions> = {}): Environment {
  return new Environment({ process: { PATH: "/usr/bin" }, log: recorder(), clock: systemClock, ...options });
}

const CORE = { owner: "core", order: 0 };

/** Each layer sets one variable of its own and, with every layer below it, one that only the higher may win. */
const LAYERS = ["process", "base", "core", "manifest", "secrets", "early plugin", "late plugin", "overrides"] as const;

for (const [low, lower] of LAYERS.entries()) {
  for (const higher of LAYERS.slice(low + 1)) {
    Deno.test(`build() lets ${higher} win over ${lower}`, async () => {
      const of = (layer: string) => (layer === lower || layer === higher ? { WHO: layer } : undefined);
      const env = environment({ process: { ...of("process") } });
      // Registered highest first, so that only the rank can explain the result.
      env.scope({ owner: "late", order: 2 }).contribute("x", () => of("late plugin") ?? {});
      env.scope({ owner: "early", order: 1 }).contribute("x", () => of("early plugin") ?? {});
      const controlplane = env.scope({ owner: "controlplane", order: 9 });
      for (const name of ["secrets", "manifest", "core"]) controlplane.contribute(name, () => of(name) ?? {});

      const built = await env.build({ base: of("base"), overrides: of("overrides") });

      assertEquals(built.WHO, higher);
    });
  }
}

Deno.test("build() lets the later of two contributors of one plugin win", async () => {
  const env = environment();
  const plugin = env.scope({ owner: "a", order: 1 });
  plugin.contribute("first", () => ({ WHO: "first" }));
  plugin.contribute("second", () => ({ WHO: "second" }));

  assertEquals((await env.build()).WHO, "second");
});

Deno.test("build() shows a contributor what the layers below it say", async () => {
  const env = environment({ process: { HOME: "/home/me", PATH: "/usr/bin" } });
  env.scope(CORE).contribute("manifest", (base) => ({ CACHE: `${base.HOME}/.cache` }));
  env.scope({ owner: "a", order: 1 }).contribute("x", (base) => ({ SEEN: `${base.CACHE}/a` }));

  assertEquals((await env.build()).SEEN, "/home/me/.cache/a");
});

Deno.test("build() keeps the agent's tokens and priority settings from children", async () => {
  const env = environment({
    process: {
      PATH: "/usr/bin",
      OUTPOST_TOKEN: "t",
      CODER_AGENT_TOKEN: "t",
      CODER_AGENT_TOKEN_FILE: "/token",
      CODER_PROC_PRIO_MGMT: "1",
      CODER_PROC_OOM_SCORE_X: "5",
      CODER_PROC_NICE_SCORE: "5",
      CODER_AGENT_URL: "https://example.org",
    },
  });

  assertEquals(await env.build(), { PATH: "/usr/bin", CODER_AGENT_URL: "https://example.org" });
});

Deno.test("build() passes a token on when a layer adds it on purpose", async () => {
  const env = environment({ process: { CODER_AGENT_TOKEN: "old" } });
  env.scope(CORE).contribute("core", () => ({ CODER_AGENT_TOKEN: "new" }));

  assertEquals((await env.build()).CODER_AGENT_TOKEN, "new");
});

Deno.test("build() puts the script directory first and the executable's last in PATH", async () => {
  const env = environment({ scriptBinDirectory: "/data/bin", executableDirectory: "/opt/outpost" });

  assertEquals((await env.build()).PATH, "/data/bin:/usr/bin:/opt/outpost");
});

Deno.test("build() completes a PATH that a layer replaced, but not one of the overrides", async () => {
  const env = environment({ scriptBinDirectory: "/data/bin" });
  env.scope(CORE).contribute("manifest", (base) => ({ PATH: `/manifest:${base.PATH}` }));

  assertEquals((await env.build()).PATH, "/data/bin:/manifest:/usr/bin");
  assertEquals((await env.build({ overrides: { PATH: "/mine" } })).PATH, "/mine");
});

Deno.test("build() does not repeat directories that PATH has in place already", async () => {
  const env = environment({
    process: { PATH: "/data/bin:/opt/outpost:/usr/bin" },
    scriptBinDirectory: "/data/bin",
    executableDirectory: "/opt/outpost",
  });

  assertEquals((await env.build()).PATH, "/data/bin:/opt/outpost:/usr/bin");
});

Deno.test("build() keeps programs findable when the agent has no PATH", async () => {
  const env = environment({ process: {}, scriptBinDirectory: "/data/bin" });

  const path = (await env.build()).PATH ?? "";

  assertStringIncludes(path, "/data/bin:");
  assertStringIncludes(path, ":/usr/bin:");
});

Deno.test("build() logs a contributor that throws and leaves only it out", async () => {
  const log = recorder();
  const env = environment({ log });
  env.scope({ owner: "bad", order: 1 }).contribute("broken", () => {
    throw new Error("no manifest");
  });
  env.scope({ owner: "worse", order: 2 }).contribute("rejects", () => Promise.reject(new Error("later")));
  env.scope({ owner: "good", order: 3 }).contribute("fine", () => ({ FINE: "yes" }));

  const built = await env.build();

  assertEquals(built.FINE, "yes");
  assertEquals(log.lines.map((line) => [line.message, line.fields.contributor, (line.fields.error as Error).message]), [
    ["environment contributor left out", "broken", 'Plugin "bad" failed in environment: no manifest'],
    ["environment contributor left out", "rejects", 'Plugin "worse" failed in environment: later'],
  ]);
});

Deno.test("build() leaves a contributor out that does not answer in time", async () => {
  const log = recorder();
  const slept: number[] = [];
  const clock: Clock = { now: () => 0, sleep: (ms) => (slept.push(ms), Promise.resolve()) };
  const env = environment({ log, clock, contributorDeadlineMs: 700 });
  env.scope({ owner: "slow", order: 1 }).contribute("hangs", () => new Promise(() => {}));

  const built = await env.build();

  assertEquals(built, { PATH: "/usr/bin" });
  assertEquals(slept, [700]);
  assertStringIncludes((log.lines[0]?.fields.error as Error).message, "deadline is 700 ms");
});

Deno.test("build() leaves out variables that no process can have, without printing their values", async () => {
  const log = recorder();
  const env = environment({ log });
  env.scope({ owner: "odd", order: 1 }).contribute(
    "x",
    () => ({ "": "secret", "A=B": "secret", NUL: "secret\0", OK: "1" }),
  );

  const built = await env.build();

  assertEquals(built, { PATH: "/usr/bin", OK: "1" });
  assertEquals(log.lines.map((line) => line.fields.variable), ["", "A=B", "NUL"]);
  assertEquals(JSON.stringify(log.lines).includes("secret"), false);
});

Deno.test("build() gives every caller an object of its own", async () => {
  const env = environment({ process: { KEEP: "1", PATH: "/usr/bin" } });
  const first = await env.build();
  first.KEEP = "changed";

  assertEquals((await env.build()).KEEP, "1");
});

Deno.test("scope() forgets a plugin's contributors when released, and no one else's", async () => {
  const env = environment();
  const gone = env.scope({ owner: "gone", order: 1 });
  gone.contribute("x", () => ({ GONE: "1" }));
  env.scope({ owner: "stays", order: 2 }).contribute("x", () => ({ STAYS: "1" }));

  gone[Symbol.dispose]();

  assertEquals(await env.build(), { PATH: "/usr/bin", STAYS: "1" });
});
