import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

import { resolveConfig } from "../config/resolve_config.ts";
import type { CheckResult } from "../plugin.ts";
import { MACHINE_CHECKS, type MachineFacts } from "./machine_checks.ts";

const NOW = Date.UTC(2026, 10, 27);
const PLANE = { CODER_AGENT_URL: "http://plane.example", CODER_AGENT_TOKEN: "t" };

async function check(name: string, facts: Partial<MachineFacts>): Promise<CheckResult> {
  const [, work] = MACHINE_CHECKS.find(([own]) => own === name)!;
  return await work({
    env: { HOME: "/home/dev" },
    config: resolveConfig({}),
    now: () => NOW,
    space: () => Promise.resolve({ bytes: 10e9, files: 1_000_000 }),
    read: () => Promise.resolve(undefined),
    fetch: () => Promise.reject(new TypeError("no network")),
    ...facts,
  });
}

const answering = (headers: Record<string, string>) => () => Promise.resolve(new Response(null, { headers }));

Deno.test("doctor says that commands need a shell", async () => {
  const { status, found } = await check("shell", { env: { PATH: "/missing" } });

  assertEquals([status, found], ["problem", "there is no sh in PATH"]);
  assertMatch((await check("shell", { env: { PATH: "/usr/bin:/bin" } })).found, /\/sh for commands/);
});

Deno.test("doctor says where the disk is full, of bytes or of files", async () => {
  const full = await check("disk", {
    space: (path) => Promise.resolve({ bytes: path === "/tmp" ? 5e6 : 10e9, files: 1_000_000 }),
  });
  const crowded = await check("disk", { space: () => Promise.resolve({ bytes: 10e9, files: 3 }) });
  const uncounted = await check("disk", { space: () => Promise.resolve({ bytes: 10e9, files: 0 }) });

  assertEquals([full.status, full.found], ["problem", "5 MB and 1000000 files are left in /tmp"]);
  assertEquals([crowded.status, uncounted.status], ["problem", "ok"]);
});

Deno.test("doctor says when few files may be open", async () => {
  const limits = (soft: string) => ({
    read: () => Promise.resolve(`Limit  Soft Limit\nMax open files            ${soft}       4096       files\n`),
  });

  assertEquals((await check("open files", limits("1024"))).status, "warning");
  assertEquals((await check("open files", limits("1048576"))).status, "ok");
  assertEquals((await check("open files", {})).status, "ok");
});

Deno.test("doctor says when the clock cannot be right", async () => {
  assertEquals((await check("clock", { now: () => 0 })).status, "problem");
  assertEquals((await check("clock", {})).status, "ok");
});

Deno.test("doctor asks the control plane, and compares the clocks", async () => {
  const right = await check("control plane", { env: PLANE, fetch: answering({ date: new Date(NOW).toUTCString() }) });
  const slow = await check("control plane", {
    env: PLANE,
    fetch: answering({ date: new Date(NOW + 60_000).toUTCString() }),
  });
  const away = await check("control plane", { env: PLANE });
  const unknown = await check("control plane", { env: { CODER_AGENT_URL: "http://x" }, fetch: answering({}) });

  assertEquals([right.status, right.found], ["ok", "http://plane.example answers"]);
  assertEquals([slow.status, slow.found], ["warning", "its clock and this one differ by 60 s"]);
  assertEquals(away.status, "problem");
  assertStringIncludes(away.found, "http://plane.example cannot be reached: no network");
  assertStringIncludes(unknown.found, "no token");
  assertEquals((await check("control plane", {})).found, "none configured, the agent runs on its own");
});
