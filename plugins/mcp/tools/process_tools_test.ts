import { assertEquals, assertMatch, assertRejects } from "@std/assert";

import { processList, processOutput, processSignal } from "./process_tools.ts";
import { type Tool, type ToolContext, ToolError } from "./tool.ts";
import type { CommandOutput, WorkspaceApi, WorkspaceProcesses } from "./workspace_api.ts";

const context: ToolContext = { signal: new AbortController().signal, now: () => 0 };

/** A workspace with one process; unset members are never called. */
function workspace(processes: Partial<WorkspaceProcesses>): WorkspaceApi {
  return { processes: processes as WorkspaceProcesses };
}

// deno-lint-ignore no-explicit-any -- results are compared field by field
const call = (tool: Tool, args: unknown, api: WorkspaceApi): Promise<any> => tool.call(args, api, context);

Deno.test("process_output waits 10 seconds unless it is told otherwise, and 0s asks once", async () => {
  const waits: number[] = [];
  const ended: CommandOutput = { output: "done\n", running: false, exit_code: 3 };
  const api = workspace({
    output(_id, { waitMs }) {
      waits.push(waitMs);
      return Promise.resolve(ended);
    },
  });

  const result = await call(processOutput, { process_id: "p1" }, api);
  await call(processOutput, { process_id: "p1", wait_timeout: "0s" }, api);
  await call(processOutput, { process_id: "p1", wait_timeout: "1m" }, api);

  assertEquals(waits, [10_000, 0, 60_000]);
  assertEquals(result, { success: false, output: "done\n", exit_code: 3, wall_duration_ms: 0 });
});

Deno.test("process_output of a process that runs is a success that says so and names the process", async () => {
  const truncated = { omitted_bytes: 5 };
  const api = workspace({ output: () => Promise.resolve({ output: "part", running: true, truncated }) });

  const result = await call(processOutput, { process_id: "p1", wait_timeout: "0s" }, api);

  const { note, ...rest } = result;
  assertMatch(note, /still running/);
  assertEquals(rest, {
    success: true,
    output: "part",
    truncated,
    exit_code: 0,
    wall_duration_ms: 0,
    background_process_id: "p1",
  });
});

Deno.test("process_output of an ended process without an exit code has 0", async () => {
  const api = workspace({ output: () => Promise.resolve({ output: "", running: false }) });

  assertEquals(await call(processOutput, { process_id: "p1" }, api), {
    success: true,
    exit_code: 0,
    wall_duration_ms: 0,
  });
});

Deno.test("process_output and process_signal tell in their result what the workspace refused", async () => {
  const refuse = () => Promise.reject(new Error('Process "p1" not found'));
  const api = workspace({ output: refuse, signal: refuse });

  assertEquals(await call(processOutput, { process_id: "p1" }, api), {
    success: false,
    exit_code: -1,
    wall_duration_ms: 0,
    error: 'Process "p1" not found',
  });
  assertEquals(await call(processSignal, { process_id: "p1", signal: "kill" }, api), {
    success: false,
    error: 'Process "p1" not found',
  });
});

Deno.test("process_list hands the agent's list on as it is", async () => {
  const list = { processes: [{ id: "p1", running: true, anything: "else" }] };

  assertEquals(await call(processList, {}, workspace({ list: () => Promise.resolve(list) })), list);
});

Deno.test("process_signal sends kill and terminate, and no other word", async () => {
  const sent: string[] = [];
  const api = workspace({ signal: (id, signal) => Promise.resolve(void sent.push(`${signal} ${id}`)) });

  const results = [];
  for (const signal of ["terminate", "kill"]) {
    results.push(await call(processSignal, { process_id: "p1", signal }, api));
  }
  for (const signal of ["interrupt", "SIGKILL", "", undefined]) {
    await assertRejects(() => call(processSignal, { process_id: "p1", signal }, api), ToolError, "signal must be");
  }

  assertEquals(sent, ["terminate p1", "kill p1"]);
  assertEquals(results.map(({ success, message }) => [success, typeof message]), [[true, "string"], [true, "string"]]);
});

Deno.test("process tools refuse a missing process_id, and process_output a wait that is no duration", async () => {
  const api = workspace({});

  for (const [tool, args] of [[processOutput, {}], [processSignal, { signal: "kill" }]] as const) {
    for (const more of [{}, { process_id: "" }]) {
      await assertRejects(() => call(tool, { ...args, ...more }, api), ToolError, "process_id is required");
    }
  }
  const soon = () => call(processOutput, { process_id: "p1", wait_timeout: "soon" }, api);
  await assertRejects(soon, ToolError, "invalid wait_timeout");
});
