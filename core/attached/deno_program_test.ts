import { assertEquals } from "@std/assert";

import { systemClock } from "../clock.ts";
import type { Child, Logger, Variables } from "../plugin.ts";
import { denoCommand } from "./deno_program.ts";

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A child that says this and ends. */
function says(text: string): Child {
  const stream = (content: string) => new Blob([content]).stream();
  return { output: stream(text), errors: stream("") } as unknown as Child;
}

Deno.test("denoCommand() tells Deno where packages are and whom to trust, and hands nothing else of the agent's on", async () => {
  const agent: Variables = {
    ...{ HOME: "/home/me", DENO_DIR: "/cache", NODE_EXTRA_CA_CERTS: "/ca.pem", HTTPS_PROXY: "http://proxy:1" },
    ...{ OUTPOST_TOKEN: "secret", ASKED: "yes" },
  };
  const told: Variables[] = [];

  const command = await denoCommand(
    {
      ...{ id: "a", from: "/a.ts", onFailure: "continue", config: {}, source: "here" },
      attached: { runs: "deno", args: [], env: ["ASKED"] },
    },
    {
      named: (names) => Object.fromEntries(Object.entries(agent).filter(([name]) => names.includes(name))),
      start: (_, variables) => {
        told.push(variables);
        return Promise.resolve(says(`{"id":"a","version":"1.0.0","summary":"","problems":[]}`));
      },
      ...{ log: SILENT, prefix: ["a"], searchPath: "", clock: systemClock, signal: new AbortController().signal },
    },
  );

  const { OUTPOST_TOKEN: _, ...expected } = agent;
  assertEquals(told, [{ ...expected, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" }]);
  assertEquals(command.variables, told[0]);
});
