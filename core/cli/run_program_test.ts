import { assertEquals, assertRejects } from "@std/assert";

import { SpawnError } from "../errors.ts";
import type { EndSignal } from "./end_signal.ts";
import { runProgram } from "./run_program.ts";

const noSignals = () => ({ [Symbol.dispose]() {} });

Deno.test("runProgram() captures what a program writes, and its exit code", async () => {
  const end = await runProgram(["sh", "-c", "cat; echo out; echo err >&2; exit 7"], {
    io: "capture",
    onSignal: noSignals,
  });

  assertEquals(end, { exitCode: 7, output: "out\n" });
});

Deno.test("runProgram() passes signals on and reports the end they make as a shell does", async () => {
  let send: ((signal: EndSignal) => void) | undefined;
  let isOver = false;
  const onSignal = (handler: (signal: EndSignal) => void) => {
    send = handler;
    return { [Symbol.dispose]: () => void (isOver = true) };
  };

  const running = runProgram(["sleep", "600"], { io: "capture", onSignal });
  send?.("SIGTERM");
  const { exitCode } = await running;
  send?.("SIGTERM"); // Too late to matter.

  assertEquals([exitCode, isOver], [143, true]);
});

Deno.test("runProgram() says that a program is missing", async () => {
  const error = await assertRejects(() => runProgram(["no-such-program"], { onSignal: noSignals }), SpawnError);

  assertEquals(error.message, 'Cannot start "no-such-program": no such program in PATH');
});
