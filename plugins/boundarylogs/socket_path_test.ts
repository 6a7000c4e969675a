import { assertEquals } from "@std/assert";

import { boundarySocketPath } from "./socket_path.ts";

Deno.test("boundarySocketPath() takes the setting before the environment", () => {
  const env = { CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH: "/run/b.sock", CODER_AGENT_URL: "https://coder.example" };

  assertEquals(boundarySocketPath("/set.sock", env), "/set.sock");
  assertEquals(boundarySocketPath(undefined, env), "/run/b.sock");
});

Deno.test("boundarySocketPath() is null when the path was set to nothing", () => {
  assertEquals(boundarySocketPath("", {}), null);
  assertEquals(boundarySocketPath(undefined, { CODER_AGENT_BOUNDARY_LOG_PROXY_SOCKET_PATH: "" }), null);
});

Deno.test("boundarySocketPath() is where unmodified jails look in an agent started like Coder's", () => {
  const url = { CODER_AGENT_URL: "https://coder.example" };

  assertEquals(boundarySocketPath(undefined, url), "/tmp/boundary-audit.sock");
  assertEquals(boundarySocketPath(undefined, { ...url, TMPDIR: "/var/tmp" }), "/var/tmp/boundary-audit.sock");
});

Deno.test("boundarySocketPath() is in the private directory otherwise", () => {
  assertEquals(boundarySocketPath(undefined, { XDG_RUNTIME_DIR: "/run/user/7" }), "/run/user/7/outpost/boundary.sock");
});
