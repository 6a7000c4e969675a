import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";

import { conformance, createTestAgent } from "@outpost/agent/testing";
import { run } from "../../../core/cli/run.ts";
import { RecordedIo } from "../../../core/cli/recorded_io.ts";
import agentfiles from "../../../plugins/agentfiles/mod.ts";
import agentproc from "../../../plugins/agentproc/mod.ts";
import { type AuditRecord, checkTrail, trailFiles } from "./chain.ts";
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

async function verify(directory: string): Promise<{ readonly code: number; readonly text: string }> {
  const io = new RecordedIo();
  const program = { build: { name: "outpost", version: "1.0.0" }, plugins: [auditTrail] };
  const code = await run(["audit-verify", directory], io, {
    ...program,
    invocation: "outpost",
    commandLine: ["outpost"],
  });
  return { code, text: io.output + io.errors };
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
