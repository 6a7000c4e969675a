import { assertEquals, assertRejects } from "@std/assert";

import { readMemoryUsage } from "./memory_usage.ts";

const HOST = { total: 1000, available: 400 };

function read(files: Record<string, string>, host = HOST) {
  return readMemoryUsage({
    readText: (path) => path in files ? Promise.resolve(files[path]!) : Promise.reject(new Deno.errors.NotFound(path)),
    host: () => host,
  });
}

const V2 = {
  "/sys/fs/cgroup/memory.current": "300\n",
  "/sys/fs/cgroup/memory.max": "500\n",
  "/sys/fs/cgroup/memory.stat": "anon 100\ninactive_file 50\nactive_file 70\n",
};
const V1 = {
  "/sys/fs/cgroup/memory/memory.usage_in_bytes": "300\n",
  "/sys/fs/cgroup/memory/memory.limit_in_bytes": "500\n",
  "/sys/fs/cgroup/memory/memory.stat": "inactive_file 10\ntotal_inactive_file 50\n",
};
const NO_LIMIT_V1 = "9223372036854771712\n";

Deno.test("readMemoryUsage() takes a container's limit and what it uses beside droppable pages, of either version", async () => {
  assertEquals(await read(V2), { used: 250, total: 500 });
  assertEquals(await read(V1), { used: 250, total: 500 });
});

Deno.test("readMemoryUsage() takes the machine's total for a container without a limit", async () => {
  assertEquals(await read({ ...V2, "/sys/fs/cgroup/memory.max": "max\n" }), { used: 250, total: 1000 });
  const v1 = { ...V1, "/sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT_V1, "/.dockerenv": "" };
  assertEquals(await read(v1), { used: 250, total: 1000 });
});

Deno.test("readMemoryUsage() takes the machine's own numbers where there is no container", async () => {
  assertEquals(await read({}), { used: 600, total: 1000 });
  const v1 = { ...V1, "/sys/fs/cgroup/memory/memory.limit_in_bytes": NO_LIMIT_V1 };
  assertEquals(await read(v1), { used: 600, total: 1000 });
});

Deno.test("readMemoryUsage() does without the statistics, and fails without a total", async () => {
  const { "/sys/fs/cgroup/memory.stat": _, ...noStat } = V2;
  assertEquals(await read(noStat), { used: 300, total: 500 });
  await assertRejects(() => read({}, { total: 0, available: 0 }), RangeError, "how much memory");
});

Deno.test("readMemoryUsage() reads this machine", async () => {
  const { used, total } = await readMemoryUsage({
    readText: (path) => Deno.readTextFile(path),
    host: () => Deno.systemMemoryInfo(),
  });
  assertEquals(used > 0 && used < total, true, `${used} of ${total}`);
});
