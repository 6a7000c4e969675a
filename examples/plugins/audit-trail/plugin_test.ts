import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";

import { RpcError } from "@outpost/agent";
import { withAgentSocket } from "@outpost/agent/agent-socket";
import { Agent, Log_Level } from "@outpost/agent/proto/agent";
import {
  conformance,
  createTestAgent,
  runCommand,
  type RunCommandOptions,
  TestControlPlane,
} from "@outpost/agent/testing";
import agentfiles from "../../../plugins/agentfiles/mod.ts";
import agentproc from "../../../plugins/agentproc/mod.ts";
import { type AuditRecord, checkTrail, trailFiles } from "./chain.ts";
import { AuditTrailService } from "./gen/audit_trail_pb.ts";
import auditTrail from "./mod.ts";
import { AuditTrail } from "./service.ts";
import { TrailWriter } from "./trail_writer.ts";

const conformed = Deno.makeTempDirSync({ prefix: "outpost-audit-" });
addEventListener("unload", () => Deno.removeSync(conformed, { recursive: true }));

conformance(auditTrail, { config: { directory: join(conformed, "trail") } });

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "outpost-audit-" });
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function recordsIn(directory: string): Promise<readonly AuditRecord[]> {
  const texts = await Promise.all(
    (await trailFiles(directory)).map((file) => Deno.readTextFile(join(directory, file))),
  );
  return texts.join("").trimEnd().split("\n").map((line) => JSON.parse(line));
}

interface Ran {
  readonly code: number;
  readonly text: string;
}

async function outpost(args: readonly string[], options?: RunCommandOptions): Promise<Ran> {
  const { exitCode, output, errors } = await runCommand([auditTrail], args, options);
  return { code: exitCode, text: output + errors };
}

function verify(directory: string, ...hashes: string[]): Promise<Ran> {
  return outpost(["audit-verify", directory, ...hashes]);
}

Deno.test("audit-trail records processes, edits, notes and what other plugins say, in one chain", () =>
  inDirectory(async (directory) => {
    const trail = join(directory, "trail");
    const noteSocket = join(directory, "notes.sock");
    const file = join(directory, "a.txt");
    {
      await using agent = await createTestAgent({
        plugins: [agentproc, agentfiles, auditTrail],
        config: { "audit-trail": { directory: trail, noteSocket } },
        time: "real",
      });
      const { id } = await (await agent.post("/api/v0/processes/start", { command: "exit 3" })).json();
      await (await agent.get(`/api/v0/processes/${id}/output?wait=true`)).body?.cancel();
      await (await agent.post(`/api/v0/write-file?path=${file}`, "text")).body?.cancel();
      {
        using connection = await Deno.connect({ transport: "unix", path: noteSocket });
        await connection.write(new TextEncoder().encode("deployed\n"));
      }
      await agent.service(AuditTrail).record("review.approved", { by: "Ada" });
      while ((await recordsIn(trail)).length < 6) await new Promise((resolve) => setImmediate(resolve));
    }

    const records = await recordsIn(trail);
    const kinds = records.map(({ kind }) => kind);
    deepStrictEqual([kinds[0], kinds.at(-1)], ["trail.started", "trail.stopping"]);
    for (const kind of ["process.started", "process.ended", "file.change", "note", "review.approved"]) {
      ok(kinds.includes(kind), `${kind} in ${kinds}`);
    }
    const ended = records.find(({ kind }) => kind === "process.ended")!;
    strictEqual(ended.data.exitCode, 3);
    const { code, text } = await verify(trail);
    strictEqual(code, 0, text);
    match(text, /^\d+ records in 1 files; head [0-9a-f]{64}$/m);
  }));

Deno.test("audit-verify finds what was changed, taken out, or cut off", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "audit-00000001.jsonl");
    {
      await using writer = await TrailWriter.open({
        directory,
        limits: { maxFileBytes: 1e6, keepFiles: 9 },
        now: () => 0,
      });
      for (const note of ["one", "two", "three"]) await writer.append("note", { note });
    }
    const whole = await Deno.readTextFile(path);
    const lines = whole.split("\n");
    const tampered = {
      "its content is not what was hashed": whole.replace("two", "owt"),
      "record 2 is missing": [lines[0], lines[2], ""].join("\n"),
      "it is no JSON": whole.slice(0, -20),
    };

    for (const [why, text] of Object.entries(tampered)) {
      await Deno.writeTextFile(path, text);
      const checked = await verify(directory);
      strictEqual(checked.code, 1);
      match(checked.text, new RegExp(`Broken in audit-00000001.jsonl, line \\d: ${why}`));
    }
  }));

Deno.test("TrailWriter begins new files, keeps as many as it should, and goes on after a crash", () =>
  inDirectory(async (directory) => {
    const options = { directory, limits: { maxFileBytes: 300, keepFiles: 2 }, now: () => 0 };
    {
      await using writer = await TrailWriter.open(options);
      for (let note = 0; note < 10; note++) await writer.append("note", { note });
    }
    const files = await trailFiles(directory);
    strictEqual(files.length, 2);
    const last = join(directory, files.at(-1)!);
    await Deno.writeTextFile(last, '{"seq":11,"at":"cut o', { append: true });

    {
      await using writer = await TrailWriter.open(options);
      await writer.append("note", { note: "after" });
    }

    const { broken, head, first } = await checkTrail(directory);
    strictEqual(broken, undefined);
    strictEqual(head?.seq, 12, "the recovery is a record of its own");
    ok(first! > 1);
    const kinds = (await recordsIn(directory)).map(({ kind }) => kind);
    deepStrictEqual(kinds.slice(-2), ["trail.recovered", "note"]);
  }));

Deno.test("audit-trail does not continue a trail that was changed", () =>
  inDirectory(async (directory) => {
    {
      await using writer = await TrailWriter.open({
        directory,
        limits: { maxFileBytes: 1e6, keepFiles: 9 },
        now: () => 0,
      });
      for (const note of ["one", "two"]) await writer.append("note", { note });
    }
    const path = join(directory, "audit-00000001.jsonl");
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace("one", "eno"));

    await using agent = await createTestAgent({
      plugins: [auditTrail],
      config: { "audit-trail": { directory } },
      ignoreErrors: true,
    });

    strictEqual(agent.state("audit-trail"), "failed");
    match(agent.status("audit-trail").reason ?? "", /Cannot continue the trail: audit-00000001\.jsonl, line 1/);
  }));

Deno.test("audit-note and audit-run add to the trail over the agent's socket, and nobody forges what the agent saw", () =>
  inDirectory(async (directory) => {
    const [trail, path] = [join(directory, "trail"), join(directory, "rpc.sock")];
    const env = { CODER_AGENT_SOCKET_PATH: path };
    const ran: string[][] = [];
    {
      await using _agent = await createTestAgent({
        plugins: [auditTrail],
        config: { "audit-trail": { directory: trail } },
        agent: { listen: { tcp: null, unix: null, agentSocket: path } },
      });

      const noted = await outpost(["audit-note", "going", "home"], { env });
      const piped = await outpost(["audit-note"], { env, input: "one\ntwo" });
      const nothing = await outpost(["audit-note"], { env });
      const made = await outpost(["audit-run", "--", "make", "deploy"], {
        ...{ env, cwd: directory },
        run: (command, { io }) => {
          ran.push([...command]);
          return Promise.resolve(io === "capture" ? { exitCode: 0, output: "c0ffee\n" } : { exitCode: 7, output: "" });
        },
      });

      deepStrictEqual([noted.code, piped.code, nothing.code, made.code], [0, 0, 2, 7]);
      match(noted.text, /^record \d+ [0-9a-f]{64}\n$/);
      deepStrictEqual(ran.at(-1), ["make", "deploy"]);
      const place = { env, cwd: "/", signal: new AbortController().signal };
      await withAgentSocket(AuditTrailService, place, async (service) => {
        await rejects(service.append({ kind: "process.ended" }), RpcError);
        const { records, broken, head } = await service.verify({});
        deepStrictEqual([Number(records), broken], [(await recordsIn(trail)).length, ""]);
        strictEqual(head, (await recordsIn(trail)).at(-1)?.hash);
      });
    }

    const records = (await recordsIn(trail)).map(({ kind, data }) => [kind, data] as const);
    deepStrictEqual(records.filter(([kind]) => kind === "note").map(([, { note }]) => note), [
      "going home",
      "one",
      "two",
    ]);
    const [started, ended] = records.filter(([kind]) => kind.startsWith("command."));
    deepStrictEqual(started, ["command.started", { command: ["make", "deploy"], cwd: directory, commit: "c0ffee" }]);
    strictEqual(ended?.[1].exitCode, 7);
  }));

Deno.test("audit-run runs nothing that cannot be recorded", () =>
  inDirectory(async (directory) => {
    const ran: string[] = [];
    const { code, text } = await outpost(["audit-run", "make"], {
      env: { CODER_AGENT_SOCKET_PATH: join(directory, "none.sock") },
      run: ([program]) => {
        ran.push(program);
        return Promise.resolve({ exitCode: 0, output: "" });
      },
    });

    deepStrictEqual([code, ran], [1, ["git"]]);
    match(text, /connect to agent socket/);
  }));

Deno.test("audit-trail hands its head to the control plane, and the last one while it drains", () =>
  inDirectory(async (directory) => {
    const asked: unknown[] = [];
    const controlPlane = new TestControlPlane().serve(Agent, { batchCreateLogs: () => ({}) });
    controlPlane.answer = async (request) => {
      asked.push(new URL(request.url).pathname, await request.json());
      return new Response(null, { status: 201 });
    };
    {
      await using agent = await createTestAgent({
        plugins: [auditTrail],
        config: { "audit-trail": { directory } },
        controlPlane,
      });
      await controlPlane.untilCalled("BatchCreateLogs");
      await agent.service(AuditTrail).record("note", {});
      await agent.clock.advance(600_000);
      await controlPlane.untilCalled("BatchCreateLogs", 2);
      strictEqual(await agent.metric("agent_audit_trail_unanchored_records"), 0);
      await agent.service(AuditTrail).record("note", {});
      strictEqual(await agent.metric("agent_audit_trail_unanchored_records"), 1);
    }

    const lines = (await controlPlane.untilCalled("BatchCreateLogs")).map(({ logs: [line] }) => line);
    const last = (await recordsIn(directory)).at(-1)!;
    strictEqual(last.kind, "trail.stopping");
    strictEqual(last.data.reason, "test");
    strictEqual(lines.at(-1).output, `audit-trail record ${last.seq} ${last.hash}`);
    strictEqual(lines.at(-1).level, Log_Level.INFO);
    deepStrictEqual(asked, ["/api/v2/workspaceagents/me/log-source", {
      ...{ id: "8f6e4cf2-92c5-4f5f-9d0a-5d8c3f1a7b64", display_name: "Audit trail", icon: "" },
    }]);
    const hashes = lines.map(({ output }) => output.split(" ").at(-1));
    strictEqual((await verify(directory, ...hashes)).code, 0);
  }));

Deno.test("audit-verify finds that a whole chain was written anew, by what the control plane has kept", () =>
  inDirectory(async (directory) => {
    const write = async () => {
      await using writer = await TrailWriter.open({
        directory,
        limits: { maxFileBytes: 1e6, keepFiles: 9 },
        now: () => 0,
      });
      return await writer.append("note", { note: crypto.randomUUID() });
    };
    const { hash } = await write();
    for (const file of await trailFiles(directory)) await Deno.remove(join(directory, file));
    await write();

    const { code, text } = await verify(directory, hash);

    deepStrictEqual([code, text], [1, `Another chain: it has no record ${hash}\n`]);
  }));

Deno.test("audit-trail goes on when the control plane's log is full", () =>
  inDirectory(async (directory) => {
    const controlPlane = new TestControlPlane().serve(Agent, { batchCreateLogs: () => ({ logLimitExceeded: true }) });
    await using agent = await createTestAgent({
      plugins: [auditTrail],
      config: { "audit-trail": { directory } },
      controlPlane,
    });
    await controlPlane.untilCalled("BatchCreateLogs");
    while (agent.logs("warn").length === 0) await new Promise((resolve) => setImmediate(resolve));
    await agent.clock.advance(1_800_000);
    await agent.service(AuditTrail).record("note", {});
    const { head, anchored } = await (await agent.get("/api/v0/audit-trail")).json();
    deepStrictEqual([anchored, await agent.metric("agent_audit_trail_unanchored_records")], [null, head.seq]);

    await agent.stop();

    strictEqual(controlPlane.calls.length, 1);
    strictEqual((await recordsIn(directory)).at(-1)?.kind, "trail.stopping");
  }));
