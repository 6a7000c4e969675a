/**
 * Prints the bytes outside the heap that a remembered process keeps. Run it with `--v8-flags=--expose-gc`.
 *
 * @module
 */
import { createTestAgent } from "../../../core/testing/mod.ts";
import agentproc from "../mod.ts";

const PROCESSES = 200;

declare const gc: () => void;

await using agent = await createTestAgent({ plugins: [agentproc], time: "real" });

async function run(): Promise<void> {
  const { id } = await (await agent.post("/api/v0/processes/start", { command: "echo hi" })).json();
  await (await agent.get(`/api/v0/processes/${id}/output?wait=true`)).body?.cancel();
}

/** Memory of buffers is given back in a turn of the event loop after their collection. */
async function collected(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return Deno.memoryUsage().external;
}

for (let index = 0; index < 10; index++) await run();
const before = await collected();
for (let index = 0; index < PROCESSES; index++) await run();
console.log(Math.round((await collected() - before) / PROCESSES));
