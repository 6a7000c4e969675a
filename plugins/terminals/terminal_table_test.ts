import { assertEquals, assertRejects } from "@std/assert";

// @ts-types="./xterm_headless.d.ts"
import headless from "@xterm/headless";

import { HttpProblem } from "../../core/errors.ts";
import type { Child, Env, Exec, Logger, Tasks } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/mod.ts";
import { TerminalTable } from "./terminal_table.ts";

const QUERY = { id: "11111111-2222-3333-4444-555555555555", size: { cols: 80, rows: 24 }, command: "" };
const LOG: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A table without a runtime around it. @param spawn Called for each shell that is started. */
function tableOf(spawn: () => Promise<Child>): TerminalTable {
  const counter = { inc() {}, add() {} };
  return new TerminalTable({
    config: { maxTerminals: 1, idleMs: 60_000, scrollbackBytes: 0 },
    clock: new VirtualClock(),
    log: LOG,
    os: "linux",
    tasks: {} as Tasks,
    env: { build: () => Promise.resolve({ SHELL: "/bin/sh" }) } as unknown as Env,
    exec: { spawn } as unknown as Exec,
    metrics: { connections: counter, errors: counter },
  });
}

Deno.test("TerminalTable starts no shell when its screen cannot be kept", async () => {
  const { loadAddon } = headless.Terminal.prototype;
  let started = 0;
  const table = tableOf(() => {
    started++;
    return Promise.reject(new Error("not wanted"));
  });
  try {
    headless.Terminal.prototype.loadAddon = () => {
      throw new RangeError("no memory for the screen");
    };

    const problem = await assertRejects(() => table.open(QUERY), HttpProblem);

    assertEquals([problem.status, problem.detail], [500, "no memory for the screen"]);
    assertEquals([started, table.count], [0, 0]);
  } finally {
    headless.Terminal.prototype.loadAddon = loadAddon;
  }
});

Deno.test("TerminalTable gives a screen's memory back when its shell cannot be started", async () => {
  const { dispose } = headless.Terminal.prototype;
  let disposed = 0;
  const table = tableOf(() => Promise.reject(new Error("no program")));
  try {
    headless.Terminal.prototype.dispose = function () {
      disposed++;
      dispose.call(this);
    };

    const problem = await assertRejects(() => table.open(QUERY), HttpProblem);

    assertEquals([problem.status, problem.detail], [500, "no program"]);
    assertEquals([disposed, table.count], [1, 0]);
  } finally {
    headless.Terminal.prototype.dispose = dispose;
  }
});
