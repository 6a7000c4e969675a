/**
 * An agent killed in the middle of a write leaves the old file or the new one, never a mixture.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { type AgentProcess, startAgent } from "../agent_process.ts";

/** Bytes of each content: enough that a write takes many system calls. */
const FILE_BYTES = 8 * 1024 * 1024;
/** How often the agent is killed, each time one change later; a write makes about five. */
const ROUNDS = 5 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);

const oldContent = new Uint8Array(FILE_BYTES).fill(0x61);
const newContent = new Uint8Array(FILE_BYTES).fill(0x62);

Deno.test("write-file leaves the old file when the agent is killed with half of the new one written", async () => {
  await using agent = await startAgent();
  const path = join(agent.dir, "data.bin");
  await Deno.writeFile(path, oldContent);
  using watcher = Deno.watchFs(agent.dir);
  // Its second half never comes.
  const half = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(newContent.subarray(0, FILE_BYTES / 2)),
  });

  const answer = write(agent, path, half);
  for await (const { kind } of watcher) {
    if (kind === "modify") break;
  }
  agent.signal("SIGKILL");
  assertEquals((await agent.ended).signal, "SIGKILL");

  assertEquals(await answer, false);
  assertEquals(await contentOf(path), { bytes: FILE_BYTES, values: [oldContent[0]] });
});

Deno.test("write-file leaves a whole file after whichever change to the directory the agent is killed", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    await using agent = await startAgent();
    const path = join(agent.dir, "data.bin");
    await Deno.writeFile(path, oldContent);
    using watcher = Deno.watchFs(agent.dir);

    const answer = write(agent, path, newContent).finally(() => watcher.close());
    let changes = 0;
    for await (const { kind } of watcher) {
      if (kind !== "access" && changes++ === round) break;
    }
    agent.signal("SIGKILL");
    await agent.ended;

    const succeeded = await answer;
    const { bytes, values } = await contentOf(path);
    assertEquals(bytes, FILE_BYTES);
    assertEquals(values.length, 1, `The file is a mixture after ${changes} changes`);
    if (succeeded) assertEquals(values, [newContent[0]]);
  }
});

Deno.test("edit-files leaves each of its files whole after whichever change to the directory the agent is killed", async () => {
  const names = ["a.txt", "b.txt", "c.txt"];
  const line = `${"x".repeat(127)}\n`.repeat(8 * 1024);
  const [before, after] = ["old", "new"].map((word) => `${line}${word}\n${line}`);
  for (let round = 0; round < ROUNDS; round++) {
    await using agent = await startAgent();
    const paths = names.map((name) => join(agent.dir, name));
    for (const path of paths) await Deno.writeTextFile(path, before!);
    using watcher = Deno.watchFs(agent.dir);

    const files = paths.map((path) => ({ path, edits: [{ search: "old", replace: "new" }] }));
    const answer = agent.post("/api/v0/edit-files", { files }).then(() => true, () => false)
      .finally(() => watcher.close());
    let changes = 0;
    for await (const { kind } of watcher) {
      if (kind !== "access" && changes++ === 3 * round) break;
    }
    agent.signal("SIGKILL");
    await agent.ended;

    const succeeded = await answer;
    for (const path of paths) {
      const left = await Deno.readTextFile(path);
      assert(
        left === after || (left === before && !succeeded),
        `${path} is neither old nor new after ${changes} changes`,
      );
    }
  }
});

/** Whether the agent said that the file is written. */
async function write(agent: AgentProcess, path: string, body: BodyInit): Promise<boolean> {
  try {
    const response = await agent.fetch(`/api/v0/write-file?path=${encodeURIComponent(path)}`, { method: "POST", body });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // The connection died with the agent.
  }
}

async function contentOf(path: string): Promise<{ bytes: number; values: number[] }> {
  const left = await Deno.readFile(path);
  return { bytes: left.length, values: [...new Set(left)] };
}
