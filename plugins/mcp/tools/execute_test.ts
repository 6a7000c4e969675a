import { assertEquals, assertMatch, assertRejects } from "@std/assert";

import { firstBytes } from "./command_result.ts";
import { adviceFor, COMMAND_ENVIRONMENT, execute, withoutAmpersand } from "./execute.ts";
import { type ToolContext, ToolError } from "./tool.ts";
import type { CommandOutput, CommandStart, WorkspaceApi, WorkspaceProcesses } from "./workspace_api.ts";

const ENDED: CommandOutput = { output: "done\n", running: false, exit_code: 0 };

/** A workspace whose command behaves as told; unset members are never called. */
function workspace(processes: Partial<WorkspaceProcesses>): WorkspaceApi {
  const start = () => Promise.resolve({ id: "p1" });
  return { processes: { start, ...processes } as WorkspaceProcesses };
}

/** Time that moves only when a test says so. */
function contextAt(clock: { ms: number }): ToolContext {
  return { signal: new AbortController().signal, now: () => clock.ms };
}

Deno.test("execute refuses an empty command, also when only an ampersand is left", async () => {
  for (const command of ["", "  ", "&", undefined]) {
    const call = () => execute.call({ command }, workspace({}), contextAt({ ms: 0 }));
    await assertRejects(call, ToolError, "command is required");
  }
});

Deno.test("execute starts in the foreground with the environment of commands", async () => {
  const starts: CommandStart[] = [];
  const api = workspace({
    start: (start) => Promise.resolve(starts.push(start)).then(() => ({ id: "p1" })),
    output: () => Promise.resolve(ENDED),
  });

  const result = await execute.call({ command: "make", workdir: "/w" }, api, contextAt({ ms: 0 }));

  assertEquals(starts, [{ command: "make", workdir: "/w", env: COMMAND_ENVIRONMENT, background: false }]);
  assertEquals(result, { success: true, output: "done\n", exit_code: 0, wall_duration_ms: 0 });
});

Deno.test("execute in the background returns at once", async () => {
  const result = await execute.call({ command: "serve", run_in_background: true }, workspace({}), contextAt({ ms: 0 }));

  assertEquals(result, { success: true, exit_code: 0, wall_duration_ms: 0, background_process_id: "p1" });
});

Deno.test("execute refuses a timeout that is no duration, and does not look at it in the background", async () => {
  const args = { command: "serve", timeout: "soon" };

  const refused = () => execute.call(args, workspace({}), contextAt({ ms: 0 }));
  await assertRejects(refused, ToolError, "invalid timeout");
  const started = await execute.call({ ...args, run_in_background: true }, workspace({}), contextAt({ ms: 0 }));

  assertEquals((started as { readonly success: boolean }).success, true);
});

Deno.test("execute that times out tells the output so far and the process id", async () => {
  const clock = { ms: 0 };
  const waits: number[] = [];
  const api = workspace({
    output(_id, { waitMs }) {
      waits.push(waitMs);
      clock.ms += waitMs;
      return Promise.resolve({ output: "part", running: true });
    },
  });

  const result = await execute.call({ command: "x" }, api, contextAt(clock));

  assertEquals(waits, [10_000, 0]);
  assertEquals(result, {
    success: false,
    output: "part",
    exit_code: -1,
    wall_duration_ms: 10_000,
    error: "command timed out after 10s; it is still running as process p1",
    background_process_id: "p1",
  });
});

Deno.test("execute that ends in the last look gives the real result", async () => {
  const clock = { ms: 0 };
  const api = workspace({
    output(_id, { waitMs }) {
      clock.ms += waitMs;
      return Promise.resolve(waitMs === 0 ? { ...ENDED, exit_code: 7 } : { output: "", running: true });
    },
  });

  const result = await execute.call({ command: "x", timeout: "1s" }, api, contextAt(clock));

  assertEquals(result, { success: false, output: "done\n", exit_code: 7, wall_duration_ms: 1000 });
});

Deno.test("execute that loses the workspace asks once more, then names the process", async () => {
  const lost = () => Promise.reject(new Error("connection lost"));
  const recovered = workspace({ output: (_id, { waitMs }) => waitMs > 0 ? lost() : Promise.resolve(ENDED) });

  const gone = await execute.call({ command: "x" }, workspace({ output: lost }), contextAt({ ms: 0 }));
  const back = await execute.call({ command: "x" }, recovered, contextAt({ ms: 0 }));

  assertEquals(gone, {
    success: false,
    exit_code: -1,
    wall_duration_ms: 0,
    error: "cannot follow process p1: connection lost",
    background_process_id: "p1",
  });
  assertEquals((back as { readonly success: boolean }).success, true);
});

Deno.test("withoutAmpersand() sends a line to the background for one single ampersand at its end", () => {
  const lines = ["serve &", "a && b", "a &&", "a |&", "a && b &", "a 2>&1 | b"];

  assertEquals(lines.map((line) => withoutAmpersand(line, false)), [
    { command: "serve", background: true },
    { command: "a && b", background: false },
    { command: "a &&", background: false },
    { command: "a |&", background: false },
    { command: "a && b", background: true },
    { command: "a 2>&1 | b", background: false },
  ]);
  assertEquals(withoutAmpersand("serve &", true), { command: "serve &", background: true });
});

Deno.test("adviceFor() speaks up for commands that pour out whole files", () => {
  for (const command of ["cat a.txt", "grep --include-all x .", "rg -l x"]) {
    assertMatch(adviceFor(command)!, /read_file/);
  }
  for (const command of ["concat a", "catalog", "grep -r x .", "ls"]) assertEquals(adviceFor(command), undefined);
});

Deno.test("firstBytes() cuts no character in two", () => {
  assertEquals([firstBytes("aé", 2), firstBytes("aé", 3), firstBytes("a😀b", 4)], ["a", "aé", "a"]);
});
