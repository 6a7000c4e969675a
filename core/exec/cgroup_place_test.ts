import { assertEquals } from "@std/assert";

import { cgroupPlace } from "./cgroup_place.ts";

const V2 = "25 20 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";

Deno.test("cgroupPlace() finds the group of version 2", () => {
  const place = cgroupPlace("memory", { membership: "0::/user.slice/a.scope\n", mounts: V2 });

  assertEquals(place, { version: 2, directory: "/sys/fs/cgroup/user.slice/a.scope" });
});

Deno.test("cgroupPlace() prefers version 1 for a controller that is mounted so, beside an empty version 2", () => {
  const facts = {
    membership: "4:memory:/box/1\n3:cpu,cpuacct:/\n0::/\n",
    mounts: [
      "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory",
      "36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct",
      "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
    ].join("\n"),
  };

  assertEquals(cgroupPlace("memory", facts), { version: 1, directory: "/sys/fs/cgroup/memory/box/1" });
  assertEquals(cgroupPlace("cpu", facts), { version: 1, directory: "/sys/fs/cgroup/cpu,cpuacct/" });
});

Deno.test("cgroupPlace() looks inside a container's mount, which begins at the container's own group", () => {
  const mounts = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";

  assertEquals(
    cgroupPlace("memory", { membership: "4:memory:/docker/abc", mounts })?.directory,
    "/sys/fs/cgroup/memory",
  );
  assertEquals(
    cgroupPlace("memory", { membership: "4:memory:/docker/abc/x:y", mounts })?.directory,
    "/sys/fs/cgroup/memory/x:y",
  );
});

Deno.test("cgroupPlace() knows when there is none", () => {
  assertEquals(cgroupPlace("memory", { membership: "", mounts: "" }), undefined);
  assertEquals(cgroupPlace("cpu", { membership: "0::/", mounts: "" }), undefined);
});
