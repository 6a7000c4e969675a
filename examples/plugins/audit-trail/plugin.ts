/**
 * Wiring of the audit trail.
 *
 * @module
 */
import { definePlugin, optional, type OptionalNeed, type Plugin } from "@outpost/agent";
import { FileChanges } from "../../../plugins/agentfiles/service.ts";
import { ProcessEvents } from "../../../plugins/agentproc/service.ts";
import { checkTrail } from "./chain.ts";
import { auditTrailConfig } from "./config.ts";
import { AuditTrail } from "./service.ts";
import { TrailWriter } from "./trail_writer.ts";

/** Longest note, in bytes; a longer one ends its connection. */
const MAX_NOTE_BYTES = 64 * 1024;

const needs: { readonly processes: OptionalNeed<ProcessEvents>; readonly files: OptionalNeed<FileChanges> } = {
  processes: optional(ProcessEvents),
  files: optional(FileChanges),
};

/** Records processes and edits. */
const plugin: Plugin = definePlugin({
  id: "audit-trail",
  version: "0.1.0",
  api: 1,
  stability: "experimental",
  summary: "Keeps a record of every process and every edit that cannot be changed unseen.",
  enabledByDefault: false,
  config: auditTrailConfig,
  needs,
  provides: [AuditTrail],
  permissions: { read: true, write: true, net: true },
  async setup(ctx) {
    const records = ctx.metrics.counter("records_total", {
      help: "Records written; it stands still when nobody works, or when the disk is full.",
    });
    const missed = ctx.metrics.counter("missed_total", {
      help: "Events that came faster than the disk took them; any rise is a gap in the record.",
    });
    const writer = ctx.defer(
      await TrailWriter.open({
        get limits() {
          return ctx.config;
        },
        directory: ctx.config.directory,
        now: () => ctx.clock.now(),
      }),
    );
    const record = async (kind: string, data: Readonly<Record<string, unknown>>): Promise<void> => {
      try {
        await writer.append(kind, data);
        records.inc();
        ctx.health.ok();
      } catch (error) {
        ctx.health.degraded(`the record cannot be written: ${error}`);
        throw error;
      }
    };
    ctx.provide(AuditTrail, { record });

    /** Subscribed now, so that nothing between here and the task's beginning is lost. */
    const keep = <E extends { readonly type: string }>(kind: string, events: AsyncIterable<E> | undefined): void => {
      if (events === undefined) return;
      ctx.tasks.run(`record ${kind}`, async () => {
        for await (const { type, ...data } of events) {
          if (type === "missed") missed.add(Number((data as { readonly count?: unknown }).count));
          await record(`${kind}.${type}`, data);
        }
      });
    };
    keep("process", ctx.services.processes?.watch(ctx.signal));
    keep("file", ctx.services.files?.watch(ctx.signal));
    ctx.rpc.whileConnected("record the connection", async (_rpc, signal) => {
      await record("control_plane.connected", {});
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    });
    ctx.hooks.onStart(() => record("trail.started", { agent: ctx.host.agentVersion }));
    ctx.hooks.onDrain(() => record("trail.stopping", {}));
    const { noteSocket } = ctx.config;
    if (noteSocket !== null) {
      ctx.hooks.onStart(() => ctx.socket.listen(noteSocket, (connection) => takeNotes(connection, record)));
    }
    ctx.routes.app.get("/", (c) => c.json({ head: writer.head ?? null }));
    ctx.announce({ capabilities: ["audit.trail"], limits: { maxFileBytes: ctx.config.maxFileBytes } });
  },
  /** Sizes are read at each record; where it is written is fixed for a life. */
  reconfigure(ctx, next) {
    const { directory, noteSocket } = ctx.config;
    if (directory !== next.directory || noteSocket !== next.noteSocket) return "restart";
    ctx.announce({ limits: { maxFileBytes: next.maxFileBytes } });
  },
  commands: [{
    name: "audit-verify",
    summary: "Check the chain of an audit trail; 1 when it is broken.",
    usage: "DIRECTORY",
    load: () =>
      Promise.resolve(async ({ args: [directory], out, err }) => {
        if (directory === undefined) {
          await err("Name the directory of the trail: audit-verify DIRECTORY\n");
          return 2;
        }
        const { broken, files, records, first, head } = await checkTrail(directory);
        if (broken !== undefined) {
          await err(`Broken in ${broken.file}, line ${broken.line}: ${broken.why}\n`);
          return 1;
        }
        const from = first === undefined || first === 1 ? "" : `, from record ${first} on`;
        await out(`${records} records in ${files} files${from}; head ${head?.hash ?? "none"}\n`);
        return 0;
      }),
  }],
});
export default plugin;

/** Each line is a note. */
async function takeNotes(
  connection: Deno.UnixConn,
  record: (kind: string, data: Readonly<Record<string, unknown>>) => Promise<void>,
): Promise<void> {
  let rest = "";
  for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > MAX_NOTE_BYTES) return;
    for (const note of lines) await record("note", { note });
  }
}
