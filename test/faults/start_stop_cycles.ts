/**
 * Starts and stops an agent as often as its argument says and prints what is open afterwards and was not before. A program of its
 * own, because tests that run beside it open handles in the same process.
 *
 * @module
 */
import { createAgent, definePlugin, type Plugin } from "../../mod.ts";

const busy: Plugin = definePlugin({
  id: "busy",
  version: "1.0.0",
  api: 1,
  summary: "Takes something of everything.",
  stability: "stable",
  setup(ctx) {
    ctx.routes.app.get("/", async (c) => {
      const child = await ctx.exec.spawn({ command: ["true"] });
      return c.text(await new Response(child.output).text());
    });
    ctx.tasks.every("tick", 1000, () => {});
  },
});

async function cycle(): Promise<void> {
  const agent = createAgent({
    plugins: [busy],
    config: { agent: { listen: { tcp: "127.0.0.1:0" } } },
    env: { PATH: Deno.env.get("PATH") ?? "" },
    logSink: () => {},
  });
  await agent.start();
  const { status } = await agent.fetch(new Request("http://localhost/api/v0/busy"));
  if (status !== 200) throw new Error(`expected 200, got ${status}`);
  await agent.stop();
}

/** What is open, by number. The caches of the runtime are left out: it opens them whenever it likes. */
function openHandles(): ReadonlyMap<string, string> {
  const handles = new Map<string, string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (!/_cache_v\d+(-wal|-shm)?$/.test(target)) handles.set(name, target);
    } catch {
      // The handle with which the folder itself was read.
    }
  }
  return handles;
}

// The runtime opens a pair of sockets for signals once, at a time of its own unless somebody listens.
const ignore = () => {};
Deno.addSignalListener("SIGUSR2", ignore);
/** What is loaded with the first agents stays loaded. */
const WARM_UP = 5;
const cycles = Number(Deno.args[0]);
for (let count = 0; count < WARM_UP; count++) await cycle();
const before = openHandles();
for (let count = 0; count < cycles; count++) await cycle();
const left = [...openHandles()].filter(([name, target]) => before.get(name) !== target);
console.log(JSON.stringify(left.map(([, target]) => target)));
Deno.removeSignalListener("SIGUSR2", ignore);
