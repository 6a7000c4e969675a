/**
 * Smoke test of the single binary: everything each plugin loads when it is first used has to be inside.
 *
 * A machine that cannot download `denort` makes it with Deno 2.4.2's, on which terminals and SSH say that they need a
 * newer one, and which cannot send the headers of the control-plane connection: those two are then only checked to say so,
 * and the control plane's plugins to stand by.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, join } from "@std/path";

import { compile } from "../core/build/compile_roads.ts";
import { compileTargets } from "../core/build/compile_targets.ts";
import type { ApiDocument } from "../core/http/api_document.ts";
import { STANDARD_PLUGINS } from "../core/config/standard_plugins.ts";
import { isBefore } from "../core/version_order.ts";
import { type Ended, ROOT, runAgent, startAgent } from "./agent_process.ts";
import { asProcessOne, childrenOf } from "./process_namespace.ts";

/** From here on the runtime has what terminals and SSH need. */
const COMPLETE_DENO = "2.9.0";
/** The last one because of the first. */
const NEEDS_COMPLETE_DENO = ["ssh", "terminals", "x11"];

/**
 * As where `denort` can be downloaded, but for its name: this compiler puts the program behind whatever executable it is told
 * to. The result cannot be started; that of the older pair is, below.
 */
const OWN_COMPILER = { deno: Deno.execPath(), env: { ...Deno.env.toObject(), DENORT_BIN: Deno.execPath() } };

Deno.test("the compiler of this Deno takes the whole agent", async () => {
  const dir = await Deno.makeTempDir();
  const failures: unknown[] = [];
  try {
    const road = await compile({ entry: join(ROOT, "main.ts"), output: join(dir, "outpost"), flags: ["-A"] }, {
      ...{ ...OWN_COMPILER, cwd: ROOT },
      failed: (_road, error) => failures.push(error),
    });

    assertEquals([road?.name, failures], [`DENORT_BIN=${Deno.execPath()}`, []]);
    const [{ size }, empty] = await Promise.all([Deno.stat(join(dir, "outpost")), Deno.stat(Deno.execPath())]);
    assert(size > empty.size + 1e6, `${size} bytes`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the compiler of this Deno makes binaries for two machines, which are put in place together", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const dir = await Deno.makeTempDir();
  const targets = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];
  try {
    await Deno.writeTextFile(join(dir, "main.ts"), "console.log(1);");
    await Deno.writeTextFile(join(dir, "deno.json"), "{}");

    const made = await compileTargets({ entry: join(dir, "main.ts"), flags: [] }, {
      ...{ ...OWN_COMPILER, cwd: dir, targets, output: join(dir, "dist/acme"), step: "compile" },
      ...{ shown: (path: string) => path, say: () => Promise.resolve() },
      inspect: ({ road }) => {
        assertEquals(road.name, `DENORT_BIN=${Deno.execPath()}`);
        return Promise.resolve([]);
      },
    });

    assertEquals(made, targets.map((target) => join(dir, `dist/acme-${target}`)));
    assertEquals([...Deno.readDirSync(join(dir, "dist"))].length, targets.length);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("dist/outpost serves every plugin that its runtime can carry, and says why not the others", async (t) => {
  const dir = await Deno.makeTempDir();
  const binary = join(dir, "outpost");
  try {
    const made = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(ROOT, "tools/compile.ts"), binary],
      cwd: ROOT,
      stdin: "null",
    }).output();
    assertEquals(made.code, 0, new TextDecoder().decode(made.stderr));

    const config = join(dir, "outpost.jsonc");
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        plugins: {
          ssh: { enabled: true, config: { allowAnonymous: true, hostKeyFile: join(dir, "host_key") } },
          dropin: { config: { prometheusAddress: "127.0.0.1:0" } },
        },
      }),
    );
    await using agent = await startAgent({ command: [binary], args: ["--config", config] });
    const outpost = (...args: string[]): Promise<Ended> =>
      runAgent(args, { command: [binary], env: agent.env, cwd: agent.dir });
    // deno-lint-ignore no-explicit-any -- looks into answers of every shape
    const get = async (path: string): Promise<any> => await (await agent.fetch(path)).json();

    const { deno } = JSON.parse((await outpost("version", "--json")).stdout[0]!) as { readonly deno: string };
    const unserved = isBefore(deno, COMPLETE_DENO) ? NEEDS_COMPLETE_DENO : [];

    await t.step("answers /healthz and is ready with every plugin it can serve", async () => {
      const health = await agent.fetch("/healthz");
      await health.body?.cancel();
      const { status, plugins } = await get("/readyz");

      assertEquals([health.status, status], [200, "ready"]);
      assertEquals(agent.listening.failed, []);
      for (const [id, state] of Object.entries(plugins)) {
        assertEquals([id, state], [id, unserved.includes(id) ? "skipped" : "running"]);
      }
    });

    await t.step("says in `outpost plugins` why it does not serve a plugin", async () => {
      const { stdout } = await outpost("plugins", "--json");
      const plugins = JSON.parse(stdout.join("\n")) as {
        id: string;
        state: string;
        built_in: boolean;
        reason?: string;
      }[];

      assertEquals(plugins.filter(({ built_in }) => !built_in), []);
      assertEquals(plugins.filter(({ state }) => state !== "running").map(({ id }) => id).sort(), unserved);
      for (const { reason } of plugins.filter(({ id }) => unserved.includes(id))) {
        assertMatch(reason ?? "", new RegExp(`\\bit needs .* Deno ${COMPLETE_DENO} .*, this is ${deno}$`));
      }
    });

    await t.step("describes the same routes as the agent run from its source", async () => {
      const golden: ApiDocument = JSON.parse(
        await Deno.readTextFile(join(ROOT, "test/wire/golden/openapi.json")),
      );
      const document: ApiDocument = await get("/api/v0/openapi.json");

      assertEquals(document.paths, withoutTags(golden.paths, unserved));
    });

    await t.step("has a report beside it that names its plugins, and no package without a licence", async () => {
      const report = await Deno.readTextFile(join(dir, "build-report.txt"));

      for (const id of STANDARD_PLUGINS) assertMatch(report, new RegExp(`^  ${id} +[0-9.]+ +[a-z]+ +[a-z]`, "m"));
      assertMatch(report, /^ {2}hono +[0-9.]+ +MIT$/m);
      assertMatch(report, new RegExp(`^outpost .* on Deno ${deno}$`, "m"));
      assert(!report.includes("not stated"), report);
    });

    await t.step("runs a process and knows its exit code", async () => {
      const { id } = await agent.post<{ id: string }>("/api/v0/processes/start", { command: "echo from $0; exit 3" });
      const output = await get(`/api/v0/processes/${id}/output?wait=true`);
      assertEquals([output.running, output.exit_code], [false, 3]);
      assertMatch(output.output, /^from /);
    });

    await t.step("edits a file", async () => {
      const path = join(agent.dir, "a.txt");
      await Deno.writeTextFile(path, "one\ntwo\n");
      await agent.post("/api/v0/edit-files", { files: [{ path, edits: [{ search: "two", replace: "2" }] }] });
      assertEquals(await Deno.readTextFile(path), "one\n2\n");
    });

    await t.step("finds the running agent for its commands", async () => {
      const ran = await outpost("exec", "--", "echo", "hello");
      assertEquals([ran.code, ran.stdout], [0, ["hello"]], ran.stderr.join("\n"));
    });

    await t.step("looks at everything that `outpost doctor` looks at", async () => {
      const { stdout } = await outpost("doctor", "--json");
      const checks: { check: string; found: string }[] = JSON.parse(stdout.join("\n"));
      assertEquals(checks.filter(({ found }) => found.includes("check itself failed")), []);
      assert(checks.some(({ check }) => check === "disk"), stdout.join("\n"));
    });

    await t.step("reporting: lists the ports that programs listen on", async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { ports }: { ports: { port: number }[] } = await get("/api/v0/listening-ports");
      assert(ports.some(({ port }) => port === (listener.addr as Deno.NetAddr).port), JSON.stringify(ports));
    });

    await t.step("agentgit: shows status and diff of a repository", async () => {
      const path = join(agent.dir, "repository");
      const made = await outpost("exec", "--", "sh", "-ec", MAKE_REPOSITORY, "sh", path);
      assertEquals(made.code, 0, made.stderr.join("\n"));

      const query = `path=${encodeURIComponent(path)}`;
      const { branch, files } = await get(`/api/v0/git/status?${query}`);
      const { unified_diff } = await get(`/api/v0/git/diff?${query}`);

      assertEquals([branch, files.map(({ path }: { path: string }) => path)], ["trunk", ["a"]]);
      assertMatch(unified_diff, /\n one\n\+two\n$/);
    });

    await t.step("agentsocket: units wait for each other through `outpost sync`", async () => {
      for (const words of ["want app database", "start database", "complete database", "start app"]) {
        const ran = await outpost("sync", ...words.split(" "));
        assertEquals([words, ran.code], [words, 0], ran.stderr.join("\n"));
      }
      const status = JSON.parse((await outpost("sync", "status", "app", "--output", "json")).stdout.join("\n"));
      assertEquals(status.status, "started");
    });

    await t.step("boundarylogs: reads frames from its socket", async () => {
      using jail = await Deno.connect({ transport: "unix", path: join(dirname(agent.unix), "boundary.sock") });
      await jail.write(new Uint8Array([9, 0, 0, 0])); // Tag 9, which ends the connection.
      assertEquals(await jail.read(new Uint8Array(1)), null);

      const metrics = await (await agent.fetch("/metrics")).text();
      assertMatch(metrics, /^agent_boundarylogs_rejected_frames_total\{reason="unsupported_tag"\} 1$/m);
    });

    await t.step("dropin: serves the metrics without a token", async () => {
      const response = await fetch(String(agent.listening.prometheus));
      assertMatch(await response.text(), /^agent_build_info\{/m);
    });

    await t.step("mcp: lists its tools and calls one", async () => {
      const { tools } = await get("/api/v0/mcp/tools");
      const called = await agent.post<{ is_error: boolean; content: { text: string }[] }>("/api/v0/mcp/call-tool", {
        tool_name: "outpost__execute",
        arguments: { command: "echo hi", timeout: "1m" },
      });

      assert(tools.some(({ name }: { name: string }) => name === "outpost__execute"));
      assertEquals(called.is_error, false, called.content[0]?.text);
      assertEquals(JSON.parse(called.content[0]!.text).output, "hi\n");
    });

    await t.step("mcp: speaks the protocol, whose implementation is loaded by the first client", async () => {
      const answer = await agent.fetch("/api/v0/mcp", {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
        body: JSON.stringify({
          ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
          params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1.0.0" } },
        }),
      });

      assertEquals(answer.status, 200);
      assertMatch(await answer.text(), /"serverInfo":\{"name":"outpost"/);
    });

    await t.step("desktop: serves its page, and noVNC out of the binary", async () => {
      const page = await agent.fetch("/api/v0/desktop/");
      const script = await agent.fetch("/api/v0/desktop/novnc/core/rfb.js");

      assertEquals([page.status, script.status], [200, 200]);
      assertMatch(await page.text(), /viewer\.js/);
      assertMatch(await script.text(), /class RFB/);
    });

    await t.step("attaches a Deno file, with the deno of the machine, and a program in Python", async () => {
      const attached = join(dir, "attached.jsonc");
      const [whole, diskSpace] = ["core/attached/testdata/whole.ts", "examples/plugins/any_language/disk_space.py"];
      const plugins = {
        whole: { from: join(ROOT, whole), attached: true, mount: "entire", config: { size: 3 } },
        "disk-space": { from: `exec:${join(ROOT, diskSpace)}` },
      };
      await Deno.writeTextFile(attached, JSON.stringify({ plugins }));
      // The binary carries no compiler: it looks for "deno" where the machine has it.
      const PATH = await pathWithDeno(dir);
      await using other = await startAgent({ command: [binary], args: ["--config", attached], env: { PATH } });

      assertEquals(other.listening.failed, []);
      const { config } = await (await other.fetch("/api/v0/entire")).json();
      const { paths } = await (await other.fetch("/api/v0/disk-space")).json();
      const child = await (await other.fetch("/api/v0/entire/child")).text();

      assertEquals([config, paths.length > 0], [{ size: 3 }, true]);
      // Of the agent's variables it sees those that it declares, and HOME is none of them.
      assertEquals(child, "from nowhere own\n");
      const metrics = await (await other.fetch("/metrics")).text();
      assertMatch(metrics, /^agent_whole_seen_total 1$/m);
      assertMatch(metrics, /^agent_disk_space_looks_total \d+$/m);
    });

    await t.step("says what a Deno file needs where there is no deno", async () => {
      const attached = join(dir, "attached.jsonc");
      const PATH = join(dir, "nothing");
      await using other = await startAgent({ command: [binary], args: ["--config", attached], env: { PATH } });

      const { plugins } = await (await other.fetch("/api/v0/info")).json();
      const whole = plugins.find(({ id }: { id: string }) => id === "whole");
      assertEquals(whole.state, "failed");
      assertMatch(whole.reason, /needs "deno", which is not on the PATH/);
    });

    agent.signal("SIGTERM");
    assertEquals((await agent.ended).code, 0);

    await t.step("works below itself as process 1, takes away orphans, and ends with 0 on SIGTERM", async () => {
      await using contained = await startAgent({ command: [...asProcessOne(), binary] });
      const [init = 0] = childrenOf(contained.pid);
      try {
        const { id } = await contained.post<{ id: string }>("/api/v0/processes/start", { command: "(sleep 0 &)" });
        await (await contained.fetch(`/api/v0/processes/${id}/output?wait=true`)).body?.cancel();
      } finally {
        Deno.kill(init, "SIGTERM");
      }
      const { code, stderr } = await contained.ended;

      const last = JSON.parse(stderr.at(-1)!);
      assertEquals([code, last.message], [0, "child process exited, propagating exit code"]);
      assert(contained.listening.pid !== 1 && last.reaped >= 2, JSON.stringify([contained.listening, last]));
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** The search path with this Deno in front. */
async function pathWithDeno(dir: string): Promise<string> {
  const bin = join(dir, "bin");
  await Deno.mkdir(bin);
  await Deno.symlink(Deno.execPath(), join(bin, "deno"));
  return `${bin}:${Deno.env.get("PATH")}`;
}

/** A commit of `a`, which then has one line more. */
const MAKE_REPOSITORY = `
git init -q -b trunk "$1" && cd "$1"
echo one >a
git add a
git -c user.name=test -c user.email=test@localhost commit -qm first
echo two >>a
`;

function withoutTags(paths: ApiDocument["paths"], tags: readonly string[]): ApiDocument["paths"] {
  return Object.fromEntries(
    Object.entries(paths).filter(([, methods]) =>
      !Object.values(methods).some((operation) => (operation.tags as string[]).some((tag) => tags.includes(tag)))
    ),
  ) as ApiDocument["paths"];
}
