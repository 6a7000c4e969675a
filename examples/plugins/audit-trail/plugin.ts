/**
 * Wiring of the audit trail.
 *
 * @module
 */
import { definePlugin, type GatheredMetric, optional, type OptionalNeed, type Plugin } from "@outpost/agent";
import { FileChanges } from "../../../plugins/agentfiles/service.ts";
import { ProcessEvents } from "../../../plugins/agentproc/service.ts";
import type { AuditRecord } from "./chain.ts";
import { auditTrailConfig } from "./config.ts";
import { anchorWhileConnected } from "./control_plane.ts";
import { HeadAnchor } from "./head_anchor.ts";
import { AuditTrail } from "./service.ts";
import { trailService } from "./socket_service.ts";
import { TrailWriter } from "./trail_writer.ts";

/** Longest note, in bytes; a longer one ends its connection. */
const MAX_NOTE_BYTES = 64 * 1024;
/** Time to record and hand over the end, in milliseconds: the control plane may be slow to answer. */
const DRAIN_MS = 10_000;

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
      // What the rules for auditd's logs of a fleet ask for.
      exactName: "audit_records_total",
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
    const record = async (kind: string, data: Readonly<Record<string, unknown>>): Promise<AuditRecord> => {
      try {
        const written = await writer.append(kind, data);
        records.inc();
        ctx.health.ok();
        return written;
      } catch (error) {
        ctx.log.error("record lost", { kind, error: error instanceof Error ? error : String(error) });
        ctx.health.degraded(`the record cannot be written: ${error}`);
        throw error;
      }
    };
    ctx.provide(AuditTrail, { record: async (kind, data) => void await record(kind, data) });
    ctx.socket.service(
      async () => (await import("./gen/audit_trail_pb.ts")).AuditTrailService,
      trailService({ record, check: () => writer.check() }),
    );

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

    const anchor = new HeadAnchor({ clock: ctx.clock, head: () => writer.head, everyMs: () => ctx.config.anchorMs });
    anchorWhileConnected(ctx, anchor);
    if (ctx.rpc.isConfigured) {
      ctx.metrics.gauge("unanchored_records", {
        help:
          "Records whose hash the control plane does not have yet; a rise that lasts: it is away, or its log is full.",
      }).collect(() => (writer.head?.seq ?? 0) - (anchor.anchored?.seq ?? 0));
    }
    ctx.rpc.whileConnected("record the connection", async () => void await record("control_plane.connected", {}));

    const { os, arch, agentVersion: agent, denoVersion: deno } = ctx.host;
    const made = { agent, deno, machine: `${os} ${arch}`, plugin: ctx.plugin.version };
    ctx.hooks.onStart(async () => void await record("trail.started", made));
    const { noteSocket } = ctx.config;
    if (noteSocket !== null) {
      ctx.hooks.onStart(() => ctx.socket.listen(noteSocket, (connection) => takeNotes(connection, record)));
    }
    // Every plugin runs now, so that the environment is what children get. Names only: values are secrets.
    ctx.hooks.onReady(async () => {
      await record("trail.ready", { variables: Object.keys(await ctx.env.build()).sort() });
    });
    let reason = "";
    ctx.hooks.onStopping((why) => void (reason = why));
    ctx.hooks.onDrain(async (signal) => {
      await record("trail.stopping", { reason, counted: totals(await ctx.metrics.gather()) });
      await anchor.flush(signal);
    }, { deadlineMs: DRAIN_MS });

    ctx.routes.app.get("/", (c) => c.json({ head: writer.head ?? null, anchored: anchor.anchored ?? null }));
    // The last head is worth most, and written last.
    ctx.routes.limit("/", { whileDraining: true });
    ctx.announce({ capabilities: ["audit.trail"], limits: { maxFileBytes: ctx.config.maxFileBytes } });
  },
  /** Sizes and times are read when they are needed; where it is written is fixed for a life. */
  reconfigure(ctx, next) {
    const { directory, noteSocket } = ctx.config;
    if (directory !== next.directory || noteSocket !== next.noteSocket) return "restart";
    ctx.announce({ limits: { maxFileBytes: next.maxFileBytes } });
  },
  commands: [
    {
      name: "audit-verify",
      summary:
        "Check the chain of an audit trail; 1 when it is broken, or when it is not the one a HASH was taken from.",
      usage: "DIRECTORY [HASH...]",
      load: async () => (await import("./commands/audit_verify.ts")).auditVerify,
    },
    {
      name: "audit-note",
      summary: "Add a note to the audit trail, or each line of standard input.",
      usage: "[TEXT...]",
      load: async () => (await import("./commands/audit_note.ts")).auditNote,
    },
    {
      name: "audit-run",
      summary: "Run a command that the audit trail records, with how it ended.",
      usage: "-- COMMAND...",
      cleansUp: true,
      load: async () => (await import("./commands/audit_run.ts")).auditRun,
    },
  ],
});
export default plugin;

/** What the agent counted in this life, over all labels, without what stayed zero. */
function totals(metrics: readonly GatheredMetric[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { name, type, value } of metrics) {
    if (type === "counter" && value > 0) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}

/** Each line is a note. */
async function takeNotes(
  connection: Deno.UnixConn,
  record: (kind: string, data: Readonly<Record<string, unknown>>) => Promise<unknown>,
): Promise<void> {
  let rest = "";
  for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > MAX_NOTE_BYTES) return;
    for (const note of lines) await record("note", { note });
  }
}
